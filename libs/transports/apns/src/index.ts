export { apnsOptions, apnsOptionsFileFor, apnsSecretFields, type ApnsOptions } from './apns.options';
export { apnsToken } from './apns.token';
export { ApnsTransport, type ApnsTransportParts } from './apns.transport';
export { apnsOutcome } from './apns.outcome';
export { apnsAnswer } from './apns.peer';
