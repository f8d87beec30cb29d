// `npm run bench`: makes everything ready and runs the benchmarks, or the soak or the curves where these are the first
// argument; the arguments go to them.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { prepare, root, say, Sentence } from '../../standalone/scripts/prepare.mjs';

const program = ['soak', 'curves'].includes(process.argv[2]) ? process.argv[2] : 'main';

try {
  await prepare();
  const child = spawn(process.execPath, [join(root, `apps/bench/dist/${program}.js`), ...process.argv.slice(2)], {
    stdio: 'inherit',
    // As in our images, and for both sides.
    env: { ...process.env, NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --max-semi-space-size=64`.trim() },
  });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code) => (process.exitCode = code ?? 1));
} catch (error) {
  if (!(error instanceof Sentence)) throw error;
  say(error.message);
  process.exitCode = 1;
}
