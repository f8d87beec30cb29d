export { isAuthSecret, isPublicKey, newVapidKeys, normalKey, type VapidKeys } from './webpush.keys';
export {
  defaultWebpushOptions,
  webpushOptions,
  webpushOptionsFileFor,
  webpushSecretFields,
  type WebpushOptions,
} from './webpush.options';
export { currentKeys, vapidKeysFor } from './webpush.server-keys';
export { webpushToken } from './webpush.token';
export { WebpushTransport } from './webpush.transport';
export { webpushVerdict } from './webpush.outcome';
