export { fcmOptions, fcmOptionsFileFor, fcmSecretFields, type FcmOptions } from './fcm.options';
export { FcmTransport, type FcmTransportParts } from './fcm.transport';
