export { AppProcess, type AppName, type AppProcessOptions } from './app-process';
export { provideDatabase } from './env';
export { freePorts, Standalone } from './standalone-process';
export { newMail } from './seeds';
export { openSocket } from './sockets';
export { apiKey, signatureSecret, System, webhooksYaml, type SystemOptions } from './system';
