import type { LoggerService } from '@nestjs/common';
import pino from 'pino';
import type { LogEvent, LogLevel } from './log-events';

let waiting = '';

/**
 * Writes all lines of one turn of the event loop together. pino's own destination makes a write for each line, and with a slow
 * reader of the pipe each write blocks the process for a tenth of a second.
 */
const stdout = {
  write(line: string): void {
    if (waiting === '') setImmediate(flush);
    waiting += line;
  },
};

// In a turn, a pipe accepts only as much as fits into its buffer. Further lines would wait in memory, which would grow under a
// load of some 10,000 lines per second. So a write blocks until the reader has read, as for a file or a terminal.
(process.stdout as { _handle?: { setBlocking?: (isBlocking: boolean) => void } })._handle?.setBlocking?.(true);

function flush(): void {
  const lines = waiting;
  waiting = '';
  if (lines !== '') process.stdout.write(lines);
}

process.on('exit', flush);

/** The part of an error message that repeats the input: a value in Postgres, a command in Redis, a text in `JSON.parse`. */
const repetition = /: "[^]*"$|, with args beginning with: [^]*$|, [."]+[^]* is not valid JSON$/;

const withoutRepetition = (message: string): string => message.replace(repetition, ' …');

const mostCauses = 5; // a chain of causes can contain a cycle

/** The parts of an error that may be logged. Errors of drivers also contain values of queries and commands, for example tokens. */
function loggable(thrown: unknown, depth = 0): object {
  const error: Error & { code?: unknown } = thrown instanceof Error ? thrown : new Error(String(thrown));
  const message = withoutRepetition(error.message);
  const [frames = ''] = /(?:\n +at .*)*$/.exec(error.stack ?? '') ?? [];
  const inner = (cause: unknown): object | undefined => (depth < mostCauses ? loggable(cause, depth + 1) : undefined);
  return {
    type: error.name,
    message,
    stack: `${error.name}: ${message}${frames}`, // the original stack starts with the unmasked message
    code: error.code,
    ...(error.cause !== undefined && { cause: inner(error.cause) }),
    ...(error instanceof AggregateError && { aggregateErrors: error.errors.map(inner) }),
  };
}

interface LogLine<Level extends LogLevel> {
  readonly event: LogEvent<Level>;
  readonly [field: string]: unknown;
}

/** For each level, a function that logs an event of this level with its fields. `level` is the lowest level that is logged. */
export type Log = {
  readonly [Level in LogLevel]: (line: LogLine<Level>, message?: string) => void;
} & { level: string; isLevelEnabled(level: LogLevel): boolean };

/**
 * The log of the process: JSON lines on stdout, one per event, with its name in `event`. Secrets, tokens and payloads are never
 * logged.
 */
export const log: Log = pino(
  {
    base: { pid: process.pid },
    formatters: { level: (level) => ({ level }) },
    serializers: { err: (error: unknown) => loggable(error), msg: withoutRepetition, reason: withoutRepetition },
  },
  stdout,
);

/** Writes Nest's messages to the log. Its messages at start are logged at level debug. */
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
