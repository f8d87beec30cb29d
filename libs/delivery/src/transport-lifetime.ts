import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import { metrics } from '@pns/runtime';
import type { Transport } from '@pns/transport-contract';
import { Gauge } from 'prom-client';

const running = new Set<Transport>();

new Gauge({
  name: 'pns_circuit_open',
  help: 'Endpoints whose circuit is open because they failed repeatedly.',
  labelNames: ['transport'],
  registers: [metrics],
  collect() {
    this.reset();
    for (const { name, openCircuits } of running) {
      if (openCircuits !== undefined) this.inc({ transport: name }, openCircuits);
    }
  },
});

/** Counts the open circuits of a transport, and closes the transport when its worker has ended. */
export class TransportLifetime implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(private readonly transport: Transport) {}

  onApplicationBootstrap(): void {
    running.add(this.transport);
  }

  async onApplicationShutdown(): Promise<void> {
    running.delete(this.transport);
    await this.transport.close?.();
  }
}
