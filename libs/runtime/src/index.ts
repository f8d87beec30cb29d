export { developmentPrefix, readEnvironment, sessionKeyOf, type Environment } from './env';
export { PnsError } from './errors';
export { Health } from './health';
export { log, nestLogger } from './log';
export { metrics } from './metrics';
export { failToStart, listen, runProcess, shutdownTimeoutMs, startWorker } from './run';
export { RuntimeModule } from './runtime.module';
