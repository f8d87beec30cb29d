import { spawn, type ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { join } from 'node:path';
import { php } from '@pns/local-servers';
import { root } from './doc-page';

export const examples = join(root, 'examples');

const installed: Readonly<Record<string, string>> = { python: 'python3', perl: 'perl', shell: 'sh' };

/** The program that runs examples in this language, and its environment. */
export function runtime(language: string): { readonly file: string; readonly env: NodeJS.ProcessEnv } {
  const { env } = process;
  if (language === 'node') return { file: process.execPath, env };
  if (language === 'php') return php();
  return { file: installed[language] ?? language, env };
}

/** A program of `examples/` and its output. */
export class ExampleProcess {
  /** Standard output and errors. */
  output = '';
  private readonly child: ChildProcess;
  private readonly changes = new EventEmitter();
  private readonly closed: Promise<unknown>;

  constructor(language: string, args: readonly string[], env: Readonly<Record<string, string>>, input = '') {
    const { file, env: own } = runtime(language);
    this.child = spawn(file, args, { env: { ...own, ...env } });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.output += chunk.toString();
        this.changes.emit('news');
      });
    }
    this.child.stdin?.on('error', () => undefined); // a program that ends early does not read all of its input
    this.child.stdin?.end(input);
    this.closed = once(this.child, 'close').finally(() => this.changes.emit('news'));
    this.closed.catch(() => undefined);
  }

  /** Resolves when the output contains `text`. @throws Error with the output if the program has ended without it */
  async prints(text: string): Promise<void> {
    while (!this.output.includes(text)) {
      if (this.child.exitCode !== null) throw new Error(`The program has ended:\n${this.output}`);
      await once(this.changes, 'news');
    }
  }

  /** Waits for the end of the program and resolves with its exit code. */
  async ended(): Promise<number | null> {
    await this.closed;
    return this.child.exitCode;
  }

  async end(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.closed;
  }
}
