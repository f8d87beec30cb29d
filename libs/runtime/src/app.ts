// What an app needs to run, apart from index.ts: it loads Nest and Fastify, and most code and tests need neither.
export { httpServer } from './http-server';
export { failToStart, listen, runForkedProcess, runProcess, startWorker } from './run';
export { RuntimeModule } from './runtime.module';
