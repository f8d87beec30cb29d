import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** Long enough for a busy machine: the run takes about a minute. */
const withinMs = 600_000;

it(
  'finds nothing in the short form',
  async () => {
    const program = join(__dirname, '..', '..', 'dist', 'fuzz', 'main.js');
    const child = spawn(process.execPath, [program, '--short'], {
      env: process.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    }
    const [code] = (await once(child, 'exit')) as [number | null];
    expect({ code, output }).toEqual({ code: 0, output: expect.stringContaining('\n0 findings in ') as string });
  },
  withinMs,
);
