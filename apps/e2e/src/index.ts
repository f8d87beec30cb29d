export { AppProcess, type AppName } from './app-process';
export { provideDatabase } from './env';
export { freePorts, Standalone } from './standalone-process';
export { newMail } from './seeds';
export { openSocket } from './sockets';
export { apiKey, signatureSecret, System, type SystemOptions } from './system';
