export { AbortListeners } from './abort-listeners';
export { Deadlines } from './deadlines';
export type { Delivery, Priority } from './delivery';
export type { Outcome, OutcomeKind } from './outcome';
export { maxRetryAfterMs, retryAfterMs } from './retry-after';
export type { Transport } from './transport';
export { transportName, transportNames, type TransportName } from './transport-name';
