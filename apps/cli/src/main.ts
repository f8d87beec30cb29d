import { styleText } from 'node:util';
import { CommanderError } from 'commander';
import { ProblemError } from '@pns/client';
import { isColoured, UsageError } from './env';
import { oneLine } from './output';
import { pnsProgram } from './program';

/** The error codes of answers to a request for a path that the API does not have. */
const noPath = /^(UNKNOWN|PATH_UNKNOWN)$/;

const exitCodes = { failed: 1, usage: 2 } as const;

// A reader such as `head` may stop early.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

pnsProgram()
  .parseAsync()
  .catch((error: unknown) => {
    process.exitCode = exitCodeOf(error);
  });

/** Reports an error, and returns the exit code for it. */
function exitCodeOf(error: unknown): number {
  // Commander has written its message, or the help.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage;
  const sentence = oneLine(sentenceOf(error));
  if (sentence !== '') report(sentence);
  return error instanceof UsageError ? exitCodes.usage : exitCodes.failed;
}

function report(sentence: string): void {
  process.stderr.write(`${isColoured(process.stderr) ? styleText('red', sentence) : sentence}\n`);
}

function sentenceOf(error: unknown): string {
  if (error instanceof ProblemError) {
    const { code, status } = error.problem;
    const wait = error.retryAfterSeconds === undefined ? '' : ` Try again in ${error.retryAfterSeconds} s.`;
    const hint =
      status === 404 && noPath.test(code) ? ' PNS_API_URL must be the address of the API, without a path.' : '';
    return `${error.message} (${code}, HTTP ${status})${wait}${hint}`;
  }
  if (error instanceof TypeError && error.message === 'fetch failed') {
    const { code, message = 'no answer' } = (error.cause ?? {}) as { code?: string; message?: string };
    return `The API cannot be reached (${code ?? message}). Is it running? Set PNS_API_URL or --url if it is elsewhere.`;
  }
  return error instanceof Error ? error.message : String(error);
}
