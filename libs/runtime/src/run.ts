import { Worker as Thread } from 'node:worker_threads';
import type { DynamicModule, INestApplicationContext, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { readEnvironment } from './env';
import { PnsError } from './errors';
import { Health } from './health';
import { httpServer } from './http-server';
import { avoidIdleCollections } from './idle-collections';
import { bindLeanly } from './lean-bind';
import { listenHost } from './listen-host';
import { log, nestLogger } from './log';
import { shutdownTimeoutMs } from './shutdown';
import { startTraces, stopTraces } from './traces';

/** After SIGTERM, requests in progress have this time, in ms. */
const answerWithinMs = shutdownTimeoutMs - 5000;

/** Starts an app without an API. It serves health and metrics on `healthPort`; without a port it does not listen. */
export async function startWorker(
  name: string,
  module: Type | DynamicModule,
  healthPort: number | undefined,
): Promise<INestApplicationContext> {
  const options = { logger: nestLogger, bodyParser: false, abortOnError: false }; // the caller reports the reason of a failed start
  if (healthPort === undefined) return NestFactory.createApplicationContext(module, options);
  const app = await NestFactory.create<NestFastifyApplication>(module, httpServer(), options);
  await listen(name, app, healthPort);
  return app;
}

/** Listens on `port` (0 = any free port) of `PNS_LISTEN_HOST`, logs the port and returns it. */
export async function listen(name: string, app: NestFastifyApplication, port: number): Promise<number> {
  try {
    await app.listen(port, await listenHost());
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw cause;
    throw new PnsError(
      'PORT_IN_USE',
      `Port ${port} for ${name} is in use; stop the program that uses it or choose another port.`,
      {
        cause,
      },
    );
  }
  const address = app.getHttpServer().address() as { port: number };
  log.info({ event: 'app.listening', app: name, port: address.port });
  return address.port;
}

/**
 * Runs `start` as this process. A failed start ends the process with one sentence; an uncaught error ends it with a line in the
 * log. After the start, SIGTERM and SIGINT stop the apps and end the process with exit code 0 within `shutdownTimeoutMs`.
 * `afterStop` runs after the apps have stopped.
 */
export async function runProcess(
  name: string,
  start: () => Promise<INestApplicationContext[]>,
  afterStop: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  bindLeanly();
  avoidIdleCollections();
  process.on('uncaughtException', (error) => crash(name, error));
  const signal = firstSignal();
  try {
    log.level = readEnvironment([]).PNS_LOG_LEVEL;
    await startTraces(name);
    const apps = await start();
    log.info({ event: 'app.started', app: name });
    void signal.then((received) =>
      stopProcess(name, received, () => stopAll(apps).finally(stopTraces).finally(afterStop)),
    );
  } catch (error) {
    failToStart(error);
  }
}

/**
 * Runs `start` in a process that another process has forked. The process ends when its parent ends, also while its event loop is
 * blocked. It ignores SIGINT and SIGTERM, because a terminal or a supervisor sends them to both processes.
 */
export async function runForkedProcess(name: string, start: () => Promise<void>): Promise<void> {
  process.on('uncaughtException', (error) => crash(name, error));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
  process.once('disconnect', () => process.exit(0));
  new Thread(endWithParent, { eval: true, execArgv: [] }).unref();
  try {
    log.level = readEnvironment([]).PNS_LOG_LEVEL;
    await start();
  } catch (error) {
    failToStart(error);
  }
}

/** Ends the process when its parent has changed. Runs in a separate thread, because the main thread can be blocked. */
const endWithParent = `
  const parent = process.ppid;
  setInterval(() => process.ppid === parent || process.kill(process.pid, 'SIGKILL'), 1000);
`;

/**
 * Ends the process after an uncaught error or an unhandled rejection. Node itself would print all properties of the error, and
 * errors of drivers contain values.
 */
function crash(name: string, error: unknown): never {
  log.fatal({ event: 'app.crashed', app: name, err: error });
  process.exit(1);
}

/** Resolves with the first SIGTERM or SIGINT, and ends the process `shutdownTimeoutMs` later at the latest. */
function firstSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    const received = (signal: NodeJS.Signals): void => {
      setTimeout(() => process.exit(1), shutdownTimeoutMs).unref();
      resolve(signal);
    };
    process.on('SIGTERM', received);
    process.on('SIGINT', received);
  });
}

async function stopProcess(name: string, signal: NodeJS.Signals, stop: () => Promise<void>): Promise<void> {
  log.info({ event: 'app.stopping', app: name, signal });
  try {
    await stop();
    process.exit(0);
  } catch (error) {
    log.error({ event: 'app.stop-failed', app: name, err: error });
    process.exit(1);
  }
}

async function stopAll(apps: readonly INestApplicationContext[]): Promise<void> {
  for (const app of apps) app.get(Health, { strict: false }).startStopping();
  const timer = setTimeout(() => apps.forEach(cutConnections), answerWithinMs);
  await Promise.all(apps.map((app) => app.close()));
  clearTimeout(timer);
}

/** Closes all connections, because a request whose body still arrives must not delay the end. No part of it was accepted. */
function cutConnections(app: INestApplicationContext): void {
  if ('getHttpServer' in app) (app as NestFastifyApplication).getHttpServer().closeAllConnections();
}

/** Ends the process after a failed start. Prints the sentence of a PnsError, or the stack of an unexpected error. */
export function failToStart(error: unknown): never {
  const sentence = error instanceof PnsError ? error.message : error instanceof Error ? error.stack : String(error);
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}
