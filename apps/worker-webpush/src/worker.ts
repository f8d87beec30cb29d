import { join } from 'node:path';
import type { TransportWorker } from '@pns/delivery';
import {
  newVapidKeys,
  webpushOptions,
  webpushOptionsFileFor,
  WebpushTransport,
  type WebpushOptions,
} from '@pns/transport-webpush';

/** The worker that delivers to browsers. */
export const webpushWorker: TransportWorker<WebpushOptions> = {
  transport: 'webpush',
  entry: join(__dirname, 'main.js'),
  optionFile: 'pns-webpush-options.yml',
  optionsFileFor: webpushOptionsFileFor,
  clientOptions: webpushOptions,
  create: ({ serverKeys, property, ...parts }) =>
    new WebpushTransport({
      ...parts,
      serverKeys: () => serverKeys(newVapidKeys),
      subject: () => property('com.openexchange.pns.transport.webpush.subject') || undefined,
    }),
};
