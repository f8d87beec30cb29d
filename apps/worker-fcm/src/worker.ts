import { join } from 'node:path';
import type { TransportWorker } from '@pns/delivery';
import { fcmOptions, fcmOptionsFileFor, FcmTransport, type FcmOptions } from '@pns/transport-fcm';

/** The worker that delivers with Firebase Cloud Messaging. */
export const fcmWorker: TransportWorker<FcmOptions> = {
  transport: 'fcm',
  entry: join(__dirname, 'main.js'),
  optionFile: 'pns-gcm-options.yml',
  optionsFileFor: fcmOptionsFileFor,
  clientOptions: fcmOptions,
  create: (parts) => new FcmTransport(parts),
};
