import { join } from 'node:path';
import type { TransportWorker } from '@pns/delivery';
import { webhookOptions, webhookOptionsFileFor, WebhookTransport, type WebhookOptions } from '@pns/transport-webhook';

/** The worker that posts to webhooks. */
export const webhookWorker: TransportWorker<WebhookOptions> = {
  transport: 'webhook',
  entry: join(__dirname, 'main.js'),
  optionFile: 'webhooks.yml',
  optionsFileFor: webhookOptionsFileFor,
  clientOptions: webhookOptions,
  create: (parts) => new WebhookTransport(parts),
};
