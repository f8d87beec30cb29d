export { AbortListeners } from './abort-listeners';
export { Deadlines } from './deadlines';
export type { Delivery, Priority } from './delivery';
export { hasBrokenEscape, normalUri } from './normal-uri';
export type { Outcome, OutcomeKind } from './outcome';
export { maxRetryAfterMs, retryAfterMs } from './retry-after';
export type { TokenRule } from './token-rule';
export type { Transport } from './transport';
export { transportAliases, transportName, transportNames, type TransportName } from './transport-name';
