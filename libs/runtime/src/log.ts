import type { LoggerService } from '@nestjs/common';
import pino from 'pino';

let waiting = '';

/**
 * Writes what is logged in one turn of the event loop at once. pino's own destination writes line by line, and where the reader
 * of the pipe is slower it stops the whole process for a tenth of a second each time.
 */
const stdout = {
  write(line: string): void {
    if (waiting === '') setImmediate(flush);
    waiting += line;
  },
};

// A pipe takes no more in a turn than its buffer holds; the rest would wait in memory, and at some 10,000 lines a second it
// grows for as long as the load goes on. So whoever logs waits for the reader, as with a file or a terminal.
(process.stdout as { _handle?: { setBlocking?: (isBlocking: boolean) => void } })._handle?.setBlocking?.(true);

function flush(): void {
  const lines = waiting;
  waiting = '';
  if (lines !== '') process.stdout.write(lines);
}

process.on('exit', flush);

/** Where a message repeats what could not be read: Postgres a value, Redis a command, `JSON.parse` a text. */
const repetition = /: "[^]*"$|, with args beginning with: [^]*$|, [."]+[^]* is not valid JSON$/;

const withoutRepetition = (message: string): string => message.replace(repetition, ' …');

const mostCauses = 5; // they may go round in circles

/** What a log may hold of an error: those of drivers carry the values of the query or the command, tokens among them. */
function loggable(thrown: unknown, depth = 0): object {
  const error: Error & { code?: unknown } = thrown instanceof Error ? thrown : new Error(String(thrown));
  const message = withoutRepetition(error.message);
  const [frames = ''] = /(?:\n +at .*)*$/.exec(error.stack ?? '') ?? [];
  const inner = (cause: unknown): object | undefined => (depth < mostCauses ? loggable(cause, depth + 1) : undefined);
  return {
    type: error.name,
    message,
    stack: `${error.name}: ${message}${frames}`, // its own begins with the message as it was
    code: error.code,
    ...(error.cause !== undefined && { cause: inner(error.cause) }),
    ...(error instanceof AggregateError && { aggregateErrors: error.errors.map(inner) }),
  };
}

/**
 * The process' log: JSON lines on stdout, one per thing that happened, named by `event`. Secrets, tokens and payloads
 * are never fields of it.
 */
export const log = pino(
  {
    base: { pid: process.pid },
    formatters: { level: (level) => ({ level }) },
    serializers: { err: (error: unknown) => loggable(error), msg: withoutRepetition, reason: withoutRepetition },
  },
  stdout,
);

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
