export { onAbort, untilAborted } from './abort-listeners';
export { Deadlines } from './deadlines';
