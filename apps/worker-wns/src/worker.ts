import { join } from 'node:path';
import type { TransportWorker } from '@pns/delivery';
import { wnsOptions, wnsOptionsFileFor, WnsTransport, type WnsOptions } from '@pns/transport-wns';

/** The worker that delivers to Windows devices. */
export const wnsWorker: TransportWorker<WnsOptions> = {
  transport: 'wns',
  entry: join(__dirname, 'main.js'),
  optionFile: 'pns-wns-options.yml',
  optionsFileFor: wnsOptionsFileFor,
  clientOptions: wnsOptions,
  create: (parts) => new WnsTransport(parts),
};
