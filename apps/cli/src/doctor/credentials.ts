import type { OptionFiles } from '@pns/config-folder';
import { pushContent } from '@pns/payloads';
import type { Delivery, Outcome, TransportName } from '@pns/transport-contract';
import { apnsOptionsFileFor, ApnsTransport } from '@pns/transport-apns';
import { fcmOptionsFileFor, FcmTransport } from '@pns/transport-fcm';
import { wnsOptionsFileFor, WnsTransport } from '@pns/transport-wns';
import type { Finding } from './finding';

/** How long to wait for the answer of a provider, in ms. */
const waitMs = 15_000;

/** The answers with which a provider accepts the credentials and refuses the token, which no device has. */
const tokenIsUnknown = /BadDeviceToken|DeviceTokenNotForTopic|SENDER_ID_MISMATCH/;

/** A client of an option file. */
interface Client {
  readonly name: string;
  readonly file: string;
  readonly transport: ApnsTransport | FcmTransport | WnsTransport;
  /** A well-formed token that no device has. */
  readonly token: string;
}

/**
 * Tries the credentials of option files: sends one push for each client to a token that no device has. Entries that are switched off
 * or faulty are left out.
 */
export async function credentialFindings(files: OptionFiles, env: NodeJS.ProcessEnv): Promise<Finding[]> {
  const clients = clientsOf(files, env['NODE_ENV'] ?? 'development');
  const cure = cureOfConnections(env);
  try {
    return (await Promise.all(clients.map((each) => tried(each, cure)))).flat();
  } finally {
    await Promise.all(clients.map(({ transport }) => transport.close()));
  }
}

/** Advice for a failed connection. It names a set proxy, because PNS uses no proxy and direct connections may be blocked. */
function cureOfConnections(env: NodeJS.ProcessEnv): string {
  const proxy = ['HTTPS_PROXY', 'https_proxy', 'ALL_PROXY', 'all_proxy'].find((name) => (env[name] ?? '') !== '');
  const cure = 'Allow connections to it, or correct endpoint and caFile of this client.';
  return proxy === undefined ? cure : `${cure} PNS uses no proxy, so ${proxy} has no effect.`;
}

function clientsOf(files: OptionFiles, nodeEnv: string): Client[] {
  const readFile = (path: string) => files.readFile(path);
  const apns = files.entries('pns-apns-options.yml', apnsOptionsFileFor(nodeEnv, readFile)).all;
  const fcm = files.entries('pns-gcm-options.yml', fcmOptionsFileFor(nodeEnv, readFile)).all;
  const wns = files.entries('pns-wns-options.yml', wnsOptionsFileFor(nodeEnv, readFile)).all;
  return [
    ...enabled(apns).map(([name]) => ({
      ...{ name, file: 'pns-apns-options.yml', token: '00'.repeat(32) },
      transport: new ApnsTransport({ options: (client) => apns.get(client), content }),
    })),
    ...enabled(fcm).map(([name]) => ({
      ...{ name, file: 'pns-gcm-options.yml', token: 'pns-doctor' },
      transport: new FcmTransport({ options: (client) => fcm.get(client), content }),
    })),
    ...enabled(wns).map(([name, { allowedHosts = [] }]) => ({
      ...{ name, file: 'pns-wns-options.yml' },
      token: `https://${allowedHosts[0] ?? 'db5p.notify.windows.com'}/?token=pns-doctor`,
      transport: new WnsTransport({ options: (client) => wns.get(client), content }),
    })),
  ];
}

const content = (delivery: Delivery) => pushContent(delivery, { hasBadge: true });

function enabled<Options extends { readonly enabled: boolean }>(entries: ReadonlyMap<string, Options>) {
  return [...entries].filter(([, options]) => options.enabled);
}

async function tried({ name, file, transport, token }: Client, cureOfConnection: string): Promise<Finding[]> {
  const where = `${name} (${transport.name})`;
  const signal = AbortSignal.timeout(waitMs);
  const outcome = await transport
    .deliver(deliveryTo(name, transport.name, token), signal)
    .catch((error: unknown): Outcome => {
      if (!signal.aborted) throw error;
      return { kind: 'retry', reason: `There was no answer within ${waitMs / 1000} s.` };
    });
  if (outcome.kind === 'retry') {
    return [{ where, problem: `The provider cannot be used now: ${outcome.reason}`, cure: cureOfConnection }];
  }
  if (outcome.kind !== 'misconfigured' || tokenIsUnknown.test(outcome.reason)) return [];
  return [{ where, problem: outcome.reason, cure: `Correct the credentials of this client in ${file}.` }];
}

/** A push with an empty payload, which no device would show. */
function deliveryTo(client: string, transport: TransportName, token: string): Delivery {
  const now = Date.now();
  return {
    ...{ id: `pns-doctor-${now}`, notificationId: 'pns-doctor', context: 1, user: 1, client, transport, token },
    ...{ topic: 'pns:doctor', payload: {}, priority: 'low', count: 1, timestamp: now, dueAt: now, attempt: 1 },
  };
}
