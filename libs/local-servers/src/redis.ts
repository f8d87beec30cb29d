import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { resolve } from 'node:path';
import { redisProgram, type RedisProgram } from './redis-program';
import { startServerProcess, type Progress } from './server-process';

export interface RedisOptions {
  /** Kept between runs; created if missing. */
  readonly dataDir: string;
  /** Default: the port of the last run, or a free one. */
  readonly port?: number;
  /** Makes it a node of a cluster with this bus port. */
  readonly clusterPort?: number;
  readonly onProgress?: Progress;
}

export interface LocalRedis {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** `js` is a slow replacement that stores nothing on disk. */
  readonly kind: RedisProgram['kind'];
  stop(): Promise<void>;
  /** Ends it without asking (SIGKILL), as a crash would; start it again on the same folder and port. */
  kill(): Promise<void>;
}

/**
 * Starts a Redis on 127.0.0.1 and resolves when its data is loaded.
 *
 * @throws LocalServerError with one sentence if it cannot be started or another running process uses `dataDir`.
 */
export async function startRedis(options: RedisOptions): Promise<LocalRedis> {
  const onProgress = options.onProgress ?? (() => undefined);
  const folder = resolve(options.dataDir);
  mkdirSync(folder, { recursive: true });
  const program = redisProgram(onProgress);
  const server = await startServerProcess({
    folder,
    port: options.port,
    onProgress,
    command: (port) => ({
      name: 'redis',
      file: program.file,
      args: [
        ...(program.leadingArgs ?? []),
        ...(program.kind === 'js' ? ['--port', `${port}`] : settings(port, folder, options.clusterPort)),
      ],
      ...(program.env && { env: program.env }),
    }),
    isReady: (port, pid) => answersPing(port, program.kind === 'js' ? standInPid : pid),
  });
  return { ...server, url: `redis://127.0.0.1:${server.port}`, kind: program.kind };
}

const clusterSettings = {
  'cluster-enabled': 'yes',
  'cluster-node-timeout': '2000',
  // While one master is unreachable, the others still serve their own slots.
  'cluster-require-full-coverage': 'no',
};

function settings(port: number, folder: string, clusterPort?: number): string[] {
  const values = {
    bind: '127.0.0.1',
    port: `${port}`,
    dir: folder,
    appendonly: 'yes',
    // With `everysec` Redis may delay a write for up to two seconds, and a kill -9 then loses accepted notifications.
    appendfsync: 'always',
    // How many times a second an idle Redis checks the time-outs of blocked clients, on which BullMQ's timing depends.
    hz: '100',
    'maxmemory-policy': 'noeviction',
    save: '',
    ...(clusterPort === undefined ? {} : { ...clusterSettings, 'cluster-port': `${clusterPort}` }),
  };
  return Object.entries(values).flatMap(([name, value]) => [`--${name}`, value]);
}

/** The process number that the replacement reports. */
const standInPid = 1;

/**
 * Whether a Redis has loaded its file (before that it answers PING with an error) and is the process `pid`. If another
 * one uses the port, ours is about to end.
 */
function answersPing(port: number, pid: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => socket.write('PING\r\nINFO server\r\n'));
    let answer = '';
    socket.setTimeout(2000, () => socket.destroy());
    socket.on('data', (chunk) => {
      answer += chunk.toString();
      const owner = /process_id:(\d+)/.exec(answer)?.[1];
      if (owner === undefined) return;
      done(answer.startsWith('+PONG') && Number(owner) === pid);
      socket.destroy();
    });
    socket.once('error', () => done(false));
    socket.once('close', () => done(false));
  });
}
