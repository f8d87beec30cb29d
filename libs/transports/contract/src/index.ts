export { bundleSentence, isCertificateBundle } from './certificate-bundle';
export {
  byAcceptance,
  isForOperator,
  operatorOwner,
  type Delivery,
  type ParkedStep,
  type Priority,
  type SocketTarget,
} from './delivery';
export { distinctId, identifiedBy, type IdentifiedNotification } from './distinct-id';
export { isContactUri } from './contact-uri';
export { demoSignatureSecret } from './demo-signature-secret';
export { hasValidLabels } from './host-labels';
export { hasBrokenEscape, normalUri } from './normal-uri';
export type { Outcome, OutcomeKind } from './outcome';
export { parsedUrl } from './parsed-url';
export { pemText, unmarked } from './pem-text';
export { maxRetryAfterMs, retryAfterMs } from './retry-after';
export { textFault } from './text-fault';
export type { TokenRule } from './token-rule';
export { isSampled, traceContextOf, type TraceContext } from './trace-context';
export type { Transport } from './transport';
export { hasUsablePort } from './usable-port';
export { transportAliases, transportName, transportNames, type TransportName } from './transport-name';
export {
  hasConfiguredUri,
  hasEndpoints,
  hasPushKeys,
  isRegistered,
  type RegisteredTransport,
} from './transport-traits';
