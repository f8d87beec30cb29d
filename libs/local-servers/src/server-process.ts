import { spawn, type ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { claimFolder } from './folder-claim';
import { LocalServerError } from './local-server-error';
import { isRunning, processIdentity, type ProcessIdentity } from './process-identity';
import { leftBehind } from './reaper';

const startTimeoutMs = 60_000;
const stopTimeoutMs = 10_000;
const pollMs = 20;

export type Progress = (line: string) => void;

/** The content of a server's record file. With it, the next start finds a server that was left running. */
interface ServerRecord {
  readonly server: ProcessIdentity;
  readonly port: number;
}

/** The ids of the server processes that this process runs now, by folder. */
const running = new Map<string, number>();

/** A server that runs as a child of this process. */
export interface ServerProcess {
  readonly pid: number;
  readonly port: number;
  /** Stops the server (SIGINT) and waits for its end. Has no effect when the server has already ended. */
  stop(): Promise<void>;
  /** Kills the server (SIGKILL) and waits for its end. */
  kill(): Promise<void>;
}

interface ServerCommand {
  readonly name: string;
  readonly file: string;
  readonly args: readonly string[];
  readonly argv0?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly uid?: number;
  readonly gid?: number;
}

interface ServerPlan {
  /** The folder of the record and the log. The command decides where the data is. */
  readonly folder: string;
  /** Default: any free port. */
  readonly port?: number | undefined;
  readonly command: (port: number) => ServerCommand;
  /** Whether the process `pid`, and no other process, serves `port`. */
  readonly isReady: (port: number, pid: number) => Promise<boolean>;
  readonly onProgress: Progress;
}

/**
 * Starts a server and waits until it is ready. The server has a separate session, so that Ctrl-C in the terminal does not stop it
 * before the apps that use it. A server that an earlier process left running in this folder is stopped first.
 *
 * @throws LocalServerError when another running process uses the folder, or, with the end of its log, when the server does not
 *   become ready.
 */
export async function startServerProcess(plan: ServerPlan): Promise<ServerProcess> {
  const earlier = readRecord(plan.folder);
  if (earlier && running.get(plan.folder) === earlier.server.pid && isRunning(earlier.server)) {
    throw new LocalServerError(`This process runs a server on ${plan.folder} already.`);
  }
  mkdirSync(plan.folder, { recursive: true });
  const release = claimFolder(plan.folder);
  try {
    await stopLeftover(plan);
    const port = plan.port ?? (await freePort(readRecord(plan.folder)?.port));
    return await spawnServer(plan, port, release);
  } catch (error) {
    release();
    throw error;
  }
}

async function stopLeftover({ folder, onProgress }: ServerPlan): Promise<void> {
  const record = readRecord(folder);
  if (!record || !isRunning(record.server)) return;
  const { pid } = record.server;
  onProgress(`An earlier run ended without stopping its server (process ${pid}, ${folder}); stopping it.`);
  process.kill(pid, 'SIGINT');
  if (!(await becomesTrue(() => !isRunning(record.server), stopTimeoutMs))) process.kill(pid, 'SIGKILL');
  await becomesTrue(() => !isRunning(record.server), stopTimeoutMs);
}

async function spawnServer(plan: ServerPlan, port: number, release: () => void): Promise<ServerProcess> {
  const { name, file, args, ...options } = plan.command(port);
  const logFile = join(plan.folder, `${name}.log`);
  const output = openSync(logFile, 'w', 0o600);
  const child = spawn(file, args, { ...options, detached: true, stdio: ['ignore', output, output], cwd: '/' });
  closeSync(output);
  const pid = child.pid;
  if (pid === undefined) {
    const cause = await new Promise<Error>((resolve) => child.once('error', resolve));
    throw new LocalServerError(`${name} cannot be run from ${file}: ${cause.message}.`, { cause });
  }
  leftBehind.watch(pid);
  writeRecord(plan.folder, { server: processIdentity(pid) ?? { pid, startedAt: 'unknown' }, port });
  running.set(plan.folder, pid);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve())).then(() => {
    leftBehind.forget(pid);
    if (running.get(plan.folder) !== pid) return; // the server was killed from outside, and its successor already runs
    running.delete(plan.folder);
    release();
  });
  await untilReady(plan, name, child, port, logFile);
  child.unref();
  return {
    pid,
    port,
    stop: () => end(child, ended, 'SIGINT'),
    kill: () => end(child, ended, 'SIGKILL'),
  };
}

async function untilReady(plan: ServerPlan, name: string, child: ChildProcess, port: number, logFile: string) {
  let isReady = false;
  const check = async () => (isReady = await plan.isReady(port, child.pid ?? 0)) || hasEnded(child);
  await becomesTrue(check, startTimeoutMs);
  if (isReady && !hasEnded(child)) return;
  child.kill('SIGKILL');
  const reason = readFileSync(logFile, 'utf8').trim().split('\n').slice(-5).join('\n');
  throw new LocalServerError(`${name} did not start on port ${port}. The end of its log (${logFile}):\n${reason}`);
}

async function end(child: ChildProcess, ended: Promise<void>, signal: NodeJS.Signals): Promise<void> {
  if (hasEnded(child)) return ended;
  child.ref();
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
  await ended;
  clearTimeout(timer);
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

async function becomesTrue(claim: () => boolean | Promise<boolean>, timeoutMs: number): Promise<boolean> {
  for (const endsAt = Date.now() + timeoutMs; Date.now() < endsAt; await sleep(pollMs)) {
    if (await claim()) return true;
  }
  return false;
}

/** Whether a server listens on `port` of 127.0.0.1. */
export function acceptsConnections(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => done(true)).once('error', () => done(false));
    socket.once('connect', () => socket.destroy());
  });
}

/** A range below the ports that Linux, macOS and Windows give to connections and to listeners that ask for any port. */
const chosenPorts = { first: 20_000, last: 32_767 };

/**
 * A free port of 127.0.0.1: `preferred` if that is free, else one of `chosenPorts`. A port that the system chose could go to the
 * next connection of any process, before a server listens on it.
 */
export async function freePort(preferred?: number): Promise<number> {
  if (preferred !== undefined && preferred !== 0 && (await isFree(preferred))) return preferred;
  const { first, last } = chosenPorts;
  for (;;) {
    const port = randomInt(first, last + 1);
    if (await isFree(port)) return port;
  }
}

async function isFree(port: number): Promise<boolean> {
  const probe = createServer();
  try {
    probe.listen(port, '127.0.0.1');
    await once(probe, 'listening');
  } catch {
    return false;
  }
  probe.close();
  await once(probe, 'close');
  return true;
}

const recordFile = (folder: string): string => join(folder, 'server.json');

function readRecord(folder: string): ServerRecord | undefined {
  try {
    return JSON.parse(readFileSync(recordFile(folder), 'utf8')) as ServerRecord;
  } catch {
    return undefined;
  }
}

function writeRecord(folder: string, record: ServerRecord): void {
  rmSync(recordFile(folder), { force: true });
  writeFileSync(recordFile(folder), JSON.stringify(record), { mode: 0o600 });
}
