import type { OnApplicationShutdown } from '@nestjs/common';
import { metrics } from '@pns/runtime';
import { WebhookTransport, type WebhookTransportParts } from '@pns/transport-webhook';
import { Gauge } from 'prom-client';

const running = new Set<WebhookTransport>();

new Gauge({
  name: 'pns_circuit_open',
  help: 'Endpoints that are being spared because they failed repeatedly.',
  labelNames: ['transport'],
  registers: [metrics],
  collect() {
    const open = [...running].reduce((sum, { openCircuits }) => sum + openCircuits, 0);
    this.set({ transport: 'webhook' }, open);
  },
});

/** The transport as a worker runs it: by the webhooks' options as they are now, counted, and closed when the worker has ended. */
export class WebhookWorkerTransport extends WebhookTransport implements OnApplicationShutdown {
  constructor(parts: WebhookTransportParts) {
    super(parts);
    running.add(this);
  }

  async onApplicationShutdown(): Promise<void> {
    running.delete(this);
    await this.close();
  }
}
