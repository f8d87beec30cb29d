import { Injectable } from '@nestjs/common';
import { ClientOptions, type OptionsOf } from '@pns/config-folder';
import type { TransportName } from '@pns/transport-contract';
import { apnsOptions, apnsOptionsFileFor, type ApnsOptions } from '@pns/transport-apns';
import { fcmOptions, fcmOptionsFileFor, type FcmOptions } from '@pns/transport-fcm';
import {
  defaultWebpushOptions,
  webpushOptions,
  webpushOptionsFileFor,
  type WebpushOptions,
} from '@pns/transport-webpush';
import { wnsOptions, wnsOptionsFileFor, type WnsOptions } from '@pns/transport-wns';

/** Why nothing can be sent to a client, as a code and a sentence. */
interface AccountProblem {
  readonly code: 'CLIENT_NOT_CONFIGURED' | 'CLIENT_ENTRY_REFUSED' | 'CLIENT_SWITCHED_OFF';
  readonly detail: string;
}

/** The providers' option files. */
const files = {
  apns: 'pns-apns-options.yml',
  fcm: 'pns-gcm-options.yml',
  wns: 'pns-wns-options.yml',
  webpush: 'pns-webpush-options.yml',
} as const;

/** Providers that also serve clients without an entry in the option file. */
const openProviders: ReadonlySet<string> = new Set(['webpush']);

type Provider = keyof typeof files;

/** The provider credentials of the clients, from option files and the API, read in the same way as the workers read them. */
@Injectable()
export class ClientAccounts {
  private readonly optionsOf: Readonly<
    Record<Provider, OptionsOf<ApnsOptions | FcmOptions | WnsOptions | WebpushOptions>>
  >;
  private readonly webpushOf: OptionsOf<WebpushOptions>;

  constructor(
    private readonly clients: ClientOptions,
    nodeEnv: string,
  ) {
    const { apns, fcm, wns, webpush } = files;
    this.webpushOf = clients.of(
      'webpush',
      webpush,
      (readFile) => webpushOptionsFileFor(nodeEnv, readFile),
      webpushOptions,
    );
    this.optionsOf = {
      apns: clients.of('apns', apns, (readFile) => apnsOptionsFileFor(nodeEnv, readFile), apnsOptions),
      fcm: clients.of('fcm', fcm, (readFile) => fcmOptionsFileFor(nodeEnv, readFile), fcmOptions),
      wns: clients.of('wns', wns, (readFile) => wnsOptionsFileFor(nodeEnv, readFile), wnsOptions),
      webpush: this.webpushOf,
    };
  }

  /** Hosts that the tokens of a client may name in addition to the hosts of the provider. */
  allowedHosts(transport: TransportName, client: string): readonly string[] {
    const options = isProvider(transport) ? this.optionsOf[transport](client) : undefined;
    return options !== undefined && 'allowedHosts' in options ? options.allowedHosts : [];
  }

  /** The Web Push options of a client; the defaults if the client has no entry. */
  webpush(client: string): WebpushOptions {
    return this.webpushOf(client) ?? defaultWebpushOptions;
  }

  /** Why the client has no usable credentials now; undefined if it has usable ones, or if the transport needs no credentials. */
  problemOf(transport: TransportName, client: string): AccountProblem | undefined {
    if (!isProvider(transport)) return undefined;
    const what = `the client ${client} for ${transport}`;
    switch (this.clients.standing(transport, client).kind) {
      case 'usable':
        return undefined;
      case 'switched-off':
        return { code: 'CLIENT_SWITCHED_OFF', detail: `Nothing is sent: ${what} is switched off (enabled: false).` };
      case 'refused': {
        const detail = `Nothing is sent: the credentials of ${what} were refused; GET /v1/clients shows the reason.`;
        return { code: 'CLIENT_ENTRY_REFUSED', detail };
      }
      case 'missing': {
        if (openProviders.has(transport)) return undefined;
        const where = `${files[transport]} and PUT /v1/clients/${client}/transports/${transport}`;
        return { code: 'CLIENT_NOT_CONFIGURED', detail: `Nothing is sent: ${what} has no credentials in ${where}.` };
      }
    }
  }
}

function isProvider(transport: TransportName): transport is Provider {
  return Object.hasOwn(files, transport);
}
