import { styleText } from 'node:util';
import { Command, CommanderError } from 'commander';
import { ProblemError } from '@pns/client';
import { addConfig } from './config';
import { addDoctor } from './doctor/doctor';
import { isColoured, UsageError } from './env';
import { addExplain } from './explain';
import { addFailed } from './failed';
import { addSecrets } from './secrets';
import { addSend } from './send';
import { addSubscribe } from './subscribe';
import { addTail } from './tail';
import { addWhere } from './where';

const exitCodes = { failed: 1, usage: 2 } as const;

const program = new Command('pns')
  .description('Command line of PNS, the push notification service. It uses the HTTP API.')
  .option('--url <url>', 'the API; otherwise PNS_API_URL, otherwise this machine')
  .option('--key <key>', 'the API key; better in PNS_API_KEY or PNS_API_KEY_FILE, because other users see arguments')
  .option('--json', 'write JSON, for programs')
  .showHelpAfterError('Run pns help for the commands.')
  .exitOverride()
  .addHelpText('after', '\nExit codes: 0 done, 1 refused or failed, 2 wrong use.');
for (const add of [addSend, addSubscribe, addTail, addWhere, addExplain, addConfig, addFailed, addSecrets, addDoctor])
  add(program);

// A reader such as `head` may stop early.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  throw error;
});

program.parseAsync().catch((error: unknown) => {
  process.exitCode = exitCodeOf(error);
});

/** Reports an error, and returns the exit code for it. */
function exitCodeOf(error: unknown): number {
  // Commander has written its message, or the help.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage;
  report(sentenceOf(error));
  return error instanceof UsageError ? exitCodes.usage : exitCodes.failed;
}

function report(sentence: string): void {
  process.stderr.write(`${isColoured(process.stderr) ? styleText('red', sentence) : sentence}\n`);
}

function sentenceOf(error: unknown): string {
  if (error instanceof ProblemError) {
    const { code, status } = error.problem;
    const wait = error.retryAfterSeconds === undefined ? '' : ` Try again in ${error.retryAfterSeconds} s.`;
    return `${error.message} (${code}, HTTP ${status})${wait}`;
  }
  if (error instanceof TypeError && error.message === 'fetch failed') {
    const { code = 'no answer' } = (error.cause ?? {}) as { code?: string };
    return `The API cannot be reached (${code}). Is it running? Set PNS_API_URL or --url if it is elsewhere.`;
  }
  return error instanceof Error ? error.message : String(error);
}
