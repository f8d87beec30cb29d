import { PnsError } from '@pns/runtime/errors';
import { checkStart } from './start-check';

checkStart().catch((error: unknown) => {
  const sentence = error instanceof PnsError ? error.message : error instanceof Error ? error.stack : String(error);
  process.stderr.write(`${sentence}\n`);
  process.exitCode = 1;
});
