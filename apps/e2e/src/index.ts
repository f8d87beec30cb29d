export { AppProcess, type AppName } from './app-process';
export { apiKey, signatureSecret, System, type SystemOptions } from './system';
