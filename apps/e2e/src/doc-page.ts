import { spawn, type ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(__dirname, '..', '..', '..');

/** A fenced block of a page. */
export interface Block {
  readonly page: string;
  /** The word behind the fence, such as `sh`. */
  readonly language: string;
  readonly text: string;
}

/** The fenced blocks of a page, in order. */
export function blocksOf(page: string): Block[] {
  const fences = readFileSync(join(root, page), 'utf8').matchAll(/^```(\w*)\n([^]*?)^```$/gm);
  return [...fences].map(([, language = '', text = '']) => ({ page, language, text }));
}

/** A shell in which the commands of a page run as if a reader typed them. */
export class ReaderShell {
  /** Everything that the commands have printed, commands in the background included. */
  output = '';
  private readonly child: ChildProcess;
  /** Emits `news` when there is output, and when the shell has ended. */
  private readonly changes = new EventEmitter();
  private typed = 0;

  constructor(cwd: string, env: NodeJS.ProcessEnv) {
    this.child = spawn('sh', [], { cwd, env, stdio: ['pipe', 'pipe', 'pipe'], detached: true });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.output += chunk.toString();
        this.changes.emit('news');
      });
    }
    this.child.on('close', () => this.changes.emit('news'));
  }

  /** Runs commands. Resolves with their output when the last command in the foreground has ended. */
  async type(commands: string): Promise<string> {
    const [from, mark] = [this.output.length, `typed ${++this.typed}`];
    this.child.stdin?.write(`${commands}\necho '${mark}'\n`);
    await this.prints(`${mark}\n`, from);
    return this.output.slice(from).replace(`${mark}\n`, '');
  }

  /** Resolves when the output, from the position `from` on, holds `expected`. */
  async prints(expected: string | RegExp, from = 0): Promise<void> {
    const isPrinted = (text: string) => (typeof expected === 'string' ? text.includes(expected) : expected.test(text));
    while (!isPrinted(this.output.slice(from))) {
      if (this.child.exitCode !== null) throw new Error(`The shell has ended:\n${this.output}`);
      await once(this.changes, 'news');
    }
  }

  /** Ends the shell and all its commands. */
  async end(): Promise<void> {
    const closed = once(this.child, 'close');
    process.kill(-(this.child.pid ?? 0), 'SIGKILL');
    await closed;
  }
}
