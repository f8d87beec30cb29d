import { Injectable } from '@nestjs/common';
import { ClientOptions, type ClientOptionsFault } from '@pns/client-options';
import { apnsOptionsFileFor } from '@pns/transport-apns';
import { fcmOptionsFileFor } from '@pns/transport-fcm';
import { wnsOptionsFileFor } from '@pns/transport-wns';

/** Reads the providers' option files as the workers do, only to tell what is wrong with them. */
@Injectable()
export class OptionFileFaults {
  constructor(
    private readonly clients: ClientOptions,
    nodeEnv: string,
  ) {
    clients.inspect('apns', 'pns-apns-options.yml', (readFile) => apnsOptionsFileFor(nodeEnv, readFile));
    clients.inspect('fcm', 'pns-gcm-options.yml', (readFile) => fcmOptionsFileFor(nodeEnv, readFile));
    clients.inspect('wns', 'pns-wns-options.yml', (readFile) => wnsOptionsFileFor(nodeEnv, readFile));
  }

  /** Those of all transports, webhooks too, which this process reads for itself. */
  all(): readonly ClientOptionsFault[] {
    return this.clients.faults;
  }
}
