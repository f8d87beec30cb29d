export { apnsOptions, apnsOptionsFileFor, apnsSecretFields, type ApnsOptions } from './apns.options';
export { ApnsTransport, type ApnsTransportParts } from './apns.transport';
