// `npm run test:chaos -- --durability`: measures how many accepted notifications (202) are lost with each `appendfsync` of Redis
// at a power failure. Redis writes to a file system inside a file. A copy of this file is used as the disk after the failure.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startRedis, type LocalRedis } from '@pns/local-servers';
import { Redis } from 'ioredis';

const policies = ['always', 'everysec', 'no'] as const;
const rounds = 5;
/** The size of the file is small, so that copying it takes little time. */
const sizeMiB = 48;
const perSecond = 500;
const loadMs = 6000;
const counter = 'acknowledged';

interface Loss {
  readonly policy: string;
  readonly acknowledged: number;
  /** The number of acknowledged writes that were not on the disk, in each round. */
  readonly lost: readonly number[];
  /** The age of the oldest lost write, in ms, in each round. */
  readonly lostMs: readonly number[];
}

/** Measures all policies and prints a table. Requires root, because it mounts a file. */
export async function measureDurability(say: (line: string) => void): Promise<void> {
  say('| appendfsync | writes | lost at a power failure, in each round | their age, ms |');
  say('| --- | ---: | --- | --- |');
  for (const policy of policies) {
    const { acknowledged, lost, lostMs } = await lossOf(policy);
    say(`| ${policy} | ${acknowledged} | ${lost.join(', ')} | ${lostMs.join(', ')} |`);
  }
}

async function lossOf(policy: string): Promise<Loss> {
  const [lost, lostMs]: [number[], number[]] = [[], []];
  let acknowledged = 0;
  for (let round = 0; round < rounds; round++) {
    const result = await failPower(policy);
    acknowledged += result.acknowledged;
    lost.push(result.lost);
    lostMs.push(result.lostMs);
  }
  return { policy, acknowledged, lost, lostMs };
}

async function failPower(policy: string) {
  const folder = mkdtempSync(join(tmpdir(), 'pns-durability-'));
  const [disk, copy] = [new DiskFile(folder, 'disk'), new DiskFile(folder, 'copy')];
  try {
    disk.format();
    const redis = await startRedis({ dataDir: disk.mount(), isDurable: true });
    const times = await load(redis, policy, () => copyFileSync(disk.file, copy.file));
    await redis.kill();
    const data = copy.mount();
    repair(data);
    const found = await countOn(data);
    const [oldest = 0, last = 0] = [times[found], times.at(-1)];
    const lost = times.length - found;
    return { acknowledged: times.length, lost, lostMs: lost <= 0 ? 0 : Math.round(last - oldest) };
  } finally {
    disk.unmount();
    copy.unmount();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Writes at an even rate and returns the time of each answer. `onEnd` runs at once after the last answer. */
async function load({ url }: LocalRedis, policy: string, onEnd: () => void): Promise<number[]> {
  const client = new Redis(url);
  const times: number[] = [];
  try {
    await client.config('SET', 'appendfsync', policy);
    const startedAt = performance.now();
    for (let at = 0; performance.now() - startedAt < loadMs; at++) {
      await client.incr(counter);
      times.push(performance.now());
      const ahead = startedAt + (at * 1000) / perSecond - performance.now();
      if (ahead > 1) await pause(ahead);
    }
    onEnd();
    return times;
  } finally {
    client.disconnect();
  }
}

/** Removes a damaged end of the append-only file, as an operator does, because Redis itself accepts only an incomplete end. */
function repair(dataDir: string): void {
  const manifest = join(dataDir, 'appendonlydir', 'appendonly.aof.manifest');
  execFileSync('redis-check-aof', ['--fix', manifest], { input: 'y\n', stdio: ['pipe', 'ignore', 'ignore'] });
}

async function countOn(dataDir: string): Promise<number> {
  const redis = await startRedis({ dataDir });
  const client = new Redis(redis.url);
  const count = Number(await client.get(counter));
  client.disconnect();
  await redis.stop();
  return count;
}

/** A file that contains a file system. */
class DiskFile {
  readonly file: string;
  private readonly mounted: string;
  private isMounted = false;

  constructor(folder: string, name: string) {
    this.file = join(folder, `${name}.img`);
    this.mounted = join(folder, name);
    mkdirSync(this.mounted);
  }

  format(): void {
    execFileSync('truncate', ['-s', `${sizeMiB}M`, this.file]);
    execFileSync('mkfs.ext4', ['-q', this.file]);
  }

  /** Mounts the file system and returns its folder for the data of Redis. */
  mount(): string {
    execFileSync('mount', ['-o', 'loop', this.file, this.mounted]);
    this.isMounted = true;
    const folder = join(this.mounted, 'redis');
    mkdirSync(folder, { recursive: true });
    rmSync(join(folder, 'server.json'), { force: true });
    return folder;
  }

  unmount(): void {
    if (this.isMounted) execFileSync('umount', ['-l', this.mounted]);
  }
}
