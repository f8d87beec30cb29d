import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import type { ClientOptions } from '@pns/config-folder';
import { metrics } from '@pns/runtime';
import type { Transport } from '@pns/transport-contract';
import { Gauge } from 'prom-client';

const running = new Set<CredentialsExpiry>();

new Gauge({
  name: 'pns_credentials_expiry_timestamp_seconds',
  help: 'When the certificate of a client expires, in seconds since the epoch.',
  labelNames: ['transport', 'client'],
  registers: [metrics],
  collect() {
    this.reset();
    for (const expiry of running) {
      for (const [client, expiresAt] of expiry.byClient()) {
        this.set({ transport: expiry.transport.name, client }, expiresAt / 1000);
      }
    }
  },
});

/** Reports when the credentials of a transport's clients expire, for credentials that have an expiry. */
export class CredentialsExpiry implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(
    readonly transport: Pick<Transport, 'name' | 'credentialsExpireAt'>,
    private readonly configured?: Pick<ClientOptions, 'clients'>,
  ) {}

  onApplicationBootstrap(): void {
    running.add(this);
  }

  onApplicationShutdown(): void {
    running.delete(this);
  }

  /** The expiry of each client's credentials, in ms since the epoch. */
  *byClient(): Generator<readonly [client: string, expiresAt: number]> {
    for (const client of this.configured?.clients(this.transport.name) ?? []) {
      const expiresAt = this.transport.credentialsExpireAt?.(client);
      if (expiresAt !== undefined) yield [client, expiresAt];
    }
  }
}
