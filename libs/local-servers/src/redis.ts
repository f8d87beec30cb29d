import { mkdirSync } from 'node:fs';
import { connect } from 'node:net';
import { resolve } from 'node:path';
import { redisProgram, type RedisProgram } from './redis-program';
import { startServerProcess, type Progress } from './server-process';

/** How a Redis is started. */
export interface RedisOptions {
  /** The folder of the data, which is kept between runs; created when missing. */
  readonly dataDir: string;
  /** Default: the port of the last run, or any free port. */
  readonly port?: number;
  /**
   * False is faster but not safe against a power failure: for tests only. If only the process dies, neither setting loses data.
   */
  readonly isDurable?: boolean;
  /** Makes the Redis a node of a cluster, with this port for the cluster bus. */
  readonly clusterPort?: number;
  readonly onProgress?: Progress;
}

/** A running Redis of this process. */
export interface LocalRedis {
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** `js` is a slow stand-in that loses its data when it ends. */
  readonly kind: RedisProgram['kind'];
  stop(): Promise<void>;
  /** Kills the Redis (SIGKILL), like a crash. It can be started again with the same folder and port. */
  kill(): Promise<void>;
}

/**
 * Starts a Redis on 127.0.0.1 and resolves when its data is loaded.
 *
 * @throws LocalServerError with one sentence when it cannot be started or another running process uses `dataDir`.
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
        ...(program.kind === 'js' ? ['--port', `${port}`] : settings(port, folder, options)),
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
  // While one master is down, the others still serve their own slots.
  'cluster-require-full-coverage': 'no',
};

function settings(port: number, folder: string, { clusterPort, isDurable = true }: RedisOptions): string[] {
  const values = {
    bind: '127.0.0.1',
    port: `${port}`,
    dir: folder,
    appendonly: 'yes',
    // With `everysec` Redis can delay a write for up to two seconds, and a kill -9 loses accepted notifications. With `no` Redis
    // writes before it answers, as with `always`, but the system decides when the data reaches the disk.
    appendfsync: isDurable ? 'always' : 'no',
    // How often per second an idle Redis checks the timeouts of blocked clients, on which BullMQ relies.
    hz: '100',
    'maxmemory-policy': 'noeviction',
    save: '',
    ...(clusterPort === undefined ? {} : { ...clusterSettings, 'cluster-port': `${clusterPort}` }),
  };
  return Object.entries(values).flatMap(([name, value]) => [`--${name}`, value]);
}

/** The process number that the stand-in reports. */
const standInPid = 1;

/**
 * Whether the Redis at this port is the process `pid` and has loaded its file. While it loads its file, it answers PING with an
 * error. False if another Redis uses the port; the started process then ends.
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
