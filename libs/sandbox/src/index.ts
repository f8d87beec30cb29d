export type { ApnsFault } from './apns/apns-fault';
export { type ApnsProvider, type ApnsProviderOptions, startApns } from './apns/apns-provider';
export { type Arrival, Arrivals, bodyOf, headersOf } from './arrivals';
export { makeAuthority } from './certificates';
export type { Demo } from './demo';
export type { DemoApp } from './demo-apps';
export type { FcmFault } from './fcm/fcm-fault';
export { type FcmProvider, startFcm } from './fcm/fcm-provider';
export type { ServiceAccountKey } from './fcm/google-accounts';
export type { Providers } from './providers';
export { type Sandbox, type SandboxOptions, startSandbox } from './sandbox';
export type { Fault } from './webhook/fault';
export type { WebhookArrivalsView, WebhookArrivalView } from './webhook/webhook.routes';
export { type PushMessage, type Received, SimulatedUserAgent, type UserAgent } from './webpush/user-agent';
export type { WebpushFault } from './webpush/webpush-fault';
export {
  type PushSubscriptionJson,
  startWebpush,
  type WebpushProvider,
  type WebpushSandboxOptions,
} from './webpush/webpush-provider';
export type { WebpushPushView } from './webpush/webpush.routes';
export { type AppCredentials, tokenSeconds } from './wns/microsoft-accounts';
export { channelLifeMs, startWns, type WnsChannel, type WnsFault, type WnsProvider } from './wns/wns-provider';
