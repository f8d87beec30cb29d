import type { LoggerService } from '@nestjs/common';
import pino from 'pino';

let waiting = '';

/**
 * Writes what is logged in one turn of the event loop at once. pino's own destination writes line by line, and where a reader
 * of the pipe is slow it stops the whole process for a tenth of a second each time; this one waits only until there is room.
 */
const stdout = {
  write(line: string): void {
    if (waiting === '') setImmediate(flush);
    waiting += line;
  },
};

function flush(): void {
  const lines = waiting;
  waiting = '';
  if (lines !== '') process.stdout.write(lines);
}

process.on('exit', flush);

/**
 * The process' log: JSON lines on stdout, one per thing that happened, named by `event`. Secrets, tokens and payloads
 * are never fields of it.
 */
export const log = pino({ base: { pid: process.pid }, formatters: { level: (level) => ({ level }) } }, stdout);

/** Lets Nest write to our log; what it says at start is worth a line only to whoever debugs it. */
export const nestLogger: LoggerService = {
  log: (message: unknown, ...context: unknown[]) =>
    log.debug({ event: 'nest', context: context.at(-1) }, String(message)),
  warn: (message: unknown, ...context: unknown[]) =>
    log.warn({ event: 'nest', context: context.at(-1) }, String(message)),
  error: (message: unknown, ...context: unknown[]) =>
    log.error({ event: 'nest', context: context.at(-1) }, String(message)),
  fatal: (message: unknown, ...context: unknown[]) =>
    log.fatal({ event: 'nest', context: context.at(-1) }, String(message)),
};
