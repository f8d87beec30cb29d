import { join } from 'node:path';
import type { TransportWorker } from '@pns/delivery';
import { apnsOptions, apnsOptionsFileFor, ApnsTransport, type ApnsOptions } from '@pns/transport-apns';

/** The worker that delivers to Apple devices. */
export const apnsWorker: TransportWorker<ApnsOptions> = {
  transport: 'apns',
  entry: join(__dirname, 'main.js'),
  optionFile: 'pns-apns-options.yml',
  optionsFileFor: apnsOptionsFileFor,
  clientOptions: apnsOptions,
  create: (parts) => new ApnsTransport(parts),
};
