export { fcmOptions, fcmOptionsFileFor, fcmSecretFields, type FcmOptions } from './fcm.options';
export { fcmToken } from './fcm.token';
export { FcmTransport } from './fcm.transport';
export { fcmOutcome } from './fcm.outcome';
