import { Injectable } from '@nestjs/common';
import { ClientOptions, type ClientOptionsFault } from '@pns/client-options';
import { apnsOptions, apnsOptionsFileFor } from '@pns/transport-apns';
import { fcmOptions, fcmOptionsFileFor } from '@pns/transport-fcm';
import { wnsOptions, wnsOptionsFileFor } from '@pns/transport-wns';

/** Reads the providers' option files as the workers do, to report what is wrong with them and which clients can be used. */
@Injectable()
export class OptionFileFaults {
  constructor(
    private readonly clients: ClientOptions,
    nodeEnv: string,
  ) {
    clients.of('apns', 'pns-apns-options.yml', (readFile) => apnsOptionsFileFor(nodeEnv, readFile), apnsOptions);
    clients.of('fcm', 'pns-gcm-options.yml', (readFile) => fcmOptionsFileFor(nodeEnv, readFile), fcmOptions);
    clients.of('wns', 'pns-wns-options.yml', (readFile) => wnsOptionsFileFor(nodeEnv, readFile), wnsOptions);
  }

  /** Those of all transports, webhooks too, which this process reads for itself. */
  all(): readonly ClientOptionsFault[] {
    return this.clients.faults;
  }
}
