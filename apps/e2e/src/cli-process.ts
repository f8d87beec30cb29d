import { spawn } from 'node:child_process';
import { join } from 'node:path';

/** How a command ended. */
export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs the command line with these arguments and variables, and `input` at its standard input. */
export function runCli(args: readonly string[], env: Readonly<Record<string, string>>, input = ''): Promise<Ended> {
  const program = join(__dirname, '../../cli/bin/pns.mjs');
  const child = spawn(process.execPath, [program, ...args], { env: { PATH: process.env['PATH'] ?? '', ...env } });
  let out = '';
  let err = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()));
  child.stdin.end(input);
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, out, err })));
}
