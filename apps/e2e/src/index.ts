export { AppProcess, type AppName } from './app-process';
export { freePorts, Standalone } from './standalone-process';
export { apiKey, signatureSecret, System, type SystemOptions } from './system';
