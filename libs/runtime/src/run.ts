import { Worker as Thread } from 'node:worker_threads';
import type { DynamicModule, INestApplicationContext, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { readEnvironment } from './env';
import { PnsError } from './errors';
import { Health } from './health';
import { httpServer } from './http-server';
import { bindLeanly } from './lean-bind';
import { listenHost } from './listen-host';
import { log, nestLogger } from './log';

/** SIGTERM gives an app this long to finish or hand back what is in flight, in ms. */
export const shutdownTimeoutMs = 30_000;

/** Requests that are being answered at SIGTERM have this long, in ms. */
const answerWithinMs = shutdownTimeoutMs - 5000;

/** Starts an app that has no API of its own: health and metrics on `healthPort`, or no listener at all without one. */
export async function startWorker(
  name: string,
  module: Type | DynamicModule,
  healthPort: number | undefined,
): Promise<INestApplicationContext> {
  const options = { logger: nestLogger, bodyParser: false, abortOnError: false }; // whoever starts the app tells why it could not
  if (healthPort === undefined) return NestFactory.createApplicationContext(module, options);
  const app = await NestFactory.create<NestFastifyApplication>(module, httpServer(), options);
  await listen(name, app, healthPort);
  return app;
}

/** Listens on `port` (0 = any free one) of `PNS_LISTEN_HOST` and says so in the log; answers the port in use. */
export async function listen(name: string, app: NestFastifyApplication, port: number): Promise<number> {
  try {
    await app.listen(port, await listenHost());
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw cause;
    throw new PnsError('PORT_IN_USE', `Port ${port} for ${name} is in use; stop what holds it or choose another one.`, {
      cause,
    });
  }
  const address = app.getHttpServer().address() as { port: number };
  log.info({ event: 'app.listening', app: name, port: address.port });
  return address.port;
}

/**
 * Runs `start` as this process: a start that fails ends it with one sentence, what nobody caught with a line in the log. SIGTERM
 * and SIGINT drain and end it with exit code 0 within `shutdownTimeoutMs`, once it has started. `afterStop` is for what the apps use until their end.
 */
export async function runProcess(
  name: string,
  start: () => Promise<INestApplicationContext[]>,
  afterStop: () => Promise<void> = () => Promise.resolve(),
): Promise<void> {
  bindLeanly();
  process.on('uncaughtException', (error) => crash(name, error));
  const signal = firstSignal();
  try {
    log.level = readEnvironment([]).PNS_LOG_LEVEL;
    const apps = await start();
    log.info({ event: 'app.started', app: name });
    void signal.then((received) => stopProcess(name, received, () => stopAll(apps).finally(afterStop)));
  } catch (error) {
    failToStart(error);
  }
}

/**
 * Runs `start` as a process that another one has forked. It ends with its parent, also while its event loop is blocked. It ignores
 * signals to stop, which a terminal or a supervisor sends to both.
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

/** An orphan has another parent. Runs in a thread of its own, because the main one may be blocked. */
const endWithParent = `
  const parent = process.ppid;
  setInterval(() => process.ppid === parent || process.kill(process.pid, 'SIGKILL'), 1000);
`;

/**
 * Ends the process for what nobody caught, a rejection that nobody heard of among them. Node itself would print it with all
 * that it holds, and drivers' errors hold values.
 */
function crash(name: string, error: unknown): never {
  log.fatal({ event: 'app.crashed', app: name, err: error });
  process.exit(1);
}

/** Resolves with the first request to stop; from then on there is only so much time. */
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

/** A request that goes on arriving must not keep the app from an orderly end; nothing of it was accepted. */
function cutConnections(app: INestApplicationContext): void {
  if ('getHttpServer' in app) (app as NestFastifyApplication).getHttpServer().closeAllConnections();
}

/** Ends the process because it could not start: one sentence for what we know, the stack for what we do not. */
export function failToStart(error: unknown): never {
  const sentence = error instanceof PnsError ? error.message : error instanceof Error ? error.stack : String(error);
  process.stderr.write(`${sentence}\n`);
  process.exit(1);
}
