export { AbortListeners } from './abort-listeners';
export { Deadlines } from './deadlines';
