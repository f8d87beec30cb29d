import { setTimeout as sleep } from 'node:timers/promises';
import { PnsError } from './errors';
import { RecurringFault } from './recurring-fault';

/** Each step of an app's start is retried for this time while a server is not reachable, in ms. */
const startTimeoutMs = 60_000;

/** A step without an answer for this time is logged as waiting, in ms. */
const silenceMs = 2000;

/** A server that an app needs in order to start. */
export interface NeededServer {
  readonly name: 'Postgres' | 'Redis';
  /** Its address, without an account. */
  readonly where: string;
  readonly variable: 'DATABASE_URL' | 'REDIS_URL';
  /** Whether the error means that the server cannot be used now and a retry can succeed. */
  readonly isAway: (error: unknown) => boolean;
}

/** The faults by server, which all apps of the process share. */
const waits = new Map<string, RecurringFault>();

/**
 * Runs a step of an app's start that needs `server`, and retries it while the server is not reachable.
 *
 * @throws PnsError `DATABASE_UNREACHABLE` or `REDIS_UNREACHABLE` after `timeoutMs`; any other error of the step
 */
export async function waitForServer<Result>(
  server: NeededServer,
  step: () => Promise<Result>,
  timeoutMs = startTimeoutMs,
): Promise<Result> {
  const { name, where, variable, isAway } = server;
  const wait = waitFor(server);
  const giveUpAt = Date.now() + timeoutMs;
  for (let waitMs = 250; ; waitMs = Math.min(2 * waitMs, 5000)) {
    const silence = setTimeout(() => wait.occurred(`no answer within ${silenceMs} ms`), silenceMs);
    try {
      const result = await step();
      wait.isOver();
      return result;
    } catch (cause) {
      if (!isAway(cause)) throw cause;
      const reason = cause instanceof Error && cause.message !== '' ? cause.message : codeOf(cause);
      if (Date.now() + waitMs > giveUpAt) {
        const sentence = `${name} at ${where} cannot be reached (${reason}). Start it or correct ${variable}.`;
        if (variable === 'REDIS_URL') throw new PnsError('REDIS_UNREACHABLE', sentence, { cause });
        throw new PnsError('DATABASE_UNREACHABLE', sentence, { cause });
      }
      wait.occurred(reason);
    } finally {
      clearTimeout(silence);
    }
    await sleep(waitMs);
  }
}

function waitFor({ name, where }: NeededServer): RecurringFault {
  const key = `${name} ${where}`;
  let wait = waits.get(key);
  if (wait === undefined) {
    const part = name === 'Postgres' ? 'database' : 'redis';
    wait = new RecurringFault(`${part}.waiting`, `${part}.answers`, { where });
    waits.set(key, wait);
  }
  return wait;
}

/** The code of an error, else its text. Node's error for a host with several addresses has a code but no message. */
function codeOf(error: unknown): string {
  return String((error as { readonly code?: unknown }).code ?? error);
}
