// The parts that run an app. They are not in index.ts, because they load Nest and Fastify, which most code and tests do not need.
export { httpServer } from './http-server';
export { failToStart, listen, runForkedProcess, runProcess, startWorker } from './run';
export { RuntimeModule } from './runtime.module';
