export { isChannelUri } from './wns.channel';
export { wnsOptions, wnsOptionsFileFor, wnsSecretFields, type WnsOptions, type WnsType } from './wns.options';
export { wnsToken } from './wns.token';
export { WnsTransport } from './wns.transport';
export { tokenOutcome, wnsOutcome } from './wns.outcome';
