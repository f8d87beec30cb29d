import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setPriority } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';

/** The apps that run as separate processes. */
export type AppName =
  | 'api'
  | 'dispatcher'
  | 'worker-websocket'
  | 'worker-webhook'
  | 'worker-apns'
  | 'worker-fcm'
  | 'worker-wns'
  | 'worker-webpush'
  | 'sandbox';

export interface AppProcessOptions {
  /** Whether its log is kept for tests. Default: true. */
  readonly keepsLogs?: boolean;
  /** The path of the Node that runs the app. Default: the Node that runs the tests. */
  readonly node?: string;
  /** The folder with the built apps of another version. Default: the apps of this clone. */
  readonly appsFolder?: string;
  /** Arguments for Node, before the program. */
  readonly nodeArgs?: readonly string[];
  /** Its niceness, from 0 to 19; a higher niceness leaves more CPU time to other processes. Default: 0. */
  readonly niceness?: number;
}

/** The time in ms after which an app that has neither started nor ended is killed. Even a slow app starts earlier. */
const startWithinMs = 110_000;
const appsOfThisClone = join(__dirname, '..', '..');

/** One built app as a process, as operators run it. */
export class AppProcess {
  private constructor(
    readonly name: AppName,
    readonly child: ChildProcess,
    /** The port that it listens on, as it logged last; 0 if it listens on none. */
    readonly port: number,
    private readonly log: readonly string[],
  ) {}

  /** Resolves when the app has started; rejects with its log if it ends earlier or has not started after `startWithinMs`. */
  static async start(
    name: AppName,
    env: Readonly<Record<string, string>>,
    options: AppProcessOptions = {},
  ): Promise<AppProcess> {
    const { keepsLogs = true, node = process.execPath, appsFolder = appsOfThisClone, nodeArgs = [] } = options;
    const child = spawn(node, [...nodeArgs, join(appsFolder, name, 'dist', 'main.js')], {
      env: { PATH: process.env['PATH'] ?? '', NODE_ENV: 'test', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    if (options.niceness !== undefined && child.pid !== undefined) setPriority(child.pid, options.niceness);
    const log: string[] = [];
    let isLate = false;
    const killer = setTimeout(() => {
      isLate = true;
      child.kill('SIGKILL');
    }, startWithinMs);
    const port = await new Promise<number>((resolve, reject) => {
      let listening = 0;
      const read = (line: string): void => {
        log.push(line);
        const entry = parsed(line);
        if (entry['event'] === 'app.listening') listening = Number(entry['port']);
        if (entry['event'] === 'app.started') resolve(listening);
      };
      readLines(child.stdout, read);
      readLines(child.stderr, read);
      child.once('exit', (code) => {
        const end = isLate ? `did not start within ${startWithinMs / 1000} s` : `ended with code ${code} at start`;
        reject(new Error(`${name} ${end}:\n${log.join('\n')}`));
      });
    }).finally(() => clearTimeout(killer));
    if (!keepsLogs) for (const stream of [child.stdout, child.stderr]) stream.removeAllListeners('data').resume();
    return new AppProcess(name, child, port, log);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Its log lines with this `event` so far. */
  logged(event: string): Record<string, unknown>[] {
    return this.log.map(parsed).filter((entry) => entry['event'] === event);
  }

  /** Its output so far. */
  get output(): string {
    return this.log.join('\n');
  }

  /** The current values of a metric by their labels, which are written as in `{transport="apns"}`. */
  async metric(name: string): Promise<ReadonlyMap<string, number>> {
    const lines = (await (await fetch(`${this.url}/metrics`)).text()).split('\n');
    const values = lines.filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
    return new Map(
      values.map((line) => [line.slice(name.length, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]),
    );
  }

  /** Kills the process, which simulates a crash. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  /** Stops the process with SIGTERM and returns its exit code. */
  async stop(): Promise<number | null> {
    await this.end('SIGTERM');
    return this.child.exitCode;
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.kill(signal);
    await ended;
  }
}

/** Calls `read` with each line. It does not use readline, which needs more CPU time, because benchmarks measure this process. */
function readLines(stream: Readable, read: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    lines.forEach(read);
  });
}

function parsed(line: string): Record<string, unknown> {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return {};
  }
}
