import type { TransportWorker } from '@pns/delivery';
import { wnsOptions, wnsOptionsFileFor, WnsTransport, type WnsOptions } from '@pns/transport-wns';

/** The worker that delivers to Windows devices. */
export const wnsWorker: TransportWorker<WnsOptions> = {
  transport: 'wns',
  optionFile: 'pns-wns-options.yml',
  optionsFileFor: wnsOptionsFileFor,
  clientOptions: wnsOptions,
  create: (parts) => new WnsTransport(parts),
};
