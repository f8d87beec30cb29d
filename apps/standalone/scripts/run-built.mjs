// Prepares the clone and runs one of our programs with the arguments of the command line.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { prepare, root, say, Sentence } from './prepare.mjs';

/** `node` returns the path of the Node that runs the program; it is called after the build. */
export async function runBuilt(program, args, node = () => process.execPath) {
  try {
    await prepare();
    const child = spawn(node(), [join(root, program), ...args], {
      stdio: 'inherit',
      // Our images set the same option. In a comparison by the bench, both sides run with it.
      env: { ...process.env, NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --max-semi-space-size=64`.trim() },
    });
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
    child.on('exit', (code) => (process.exitCode = code ?? 1));
  } catch (error) {
    if (!(error instanceof Sentence)) throw error;
    say(error.message);
    process.exitCode = 1;
  }
}
