import { lossySettings, openRedis, type RedisClient } from '@pns/redis';
import { PnsError } from '@pns/runtime/errors';
import { clockFindings } from './clock';
import type { Finding } from './finding';

/** How long to wait for Redis, in ms. */
const waitMs = 3000;
/** BullMQ's commands need this version. Source: BullMQ, "Connections". */
const oldestVersion = [6, 2] as const;
/** It is a finding if a larger part of Redis' memory is used, because above 0.9, PNS accepts no notifications. */
const nearlyFull = 0.8;
/** The fields of INFO that are `err` after a write to the disk failed. */
const diskFields = ['aof_last_write_status', 'aof_last_bgrewrite_status', 'rdb_last_bgsave_status'] as const;

/** The end of some messages of `openRedis`, which the doctor replaces by its own advice. */
const ownCure = / (Start it or correct|Correct) REDIS_URL\.$/;

const where = 'Redis';

/** Finds the faults of the Redis at `url`. */
export async function redisFindings(url: string): Promise<Finding[]> {
  let redis: RedisClient;
  try {
    redis = await openRedis(url, { failFast: true, maxWaitMs: waitMs });
  } catch (error) {
    if (!(error instanceof PnsError)) throw error;
    const cure =
      error.code === 'REDIS_REFUSED'
        ? 'Correct the user and the password in REDIS_URL.'
        : 'Start Redis, or correct scheme, host and port in REDIS_URL.';
    return [{ where, problem: error.message.replace(ownCure, ''), cure }];
  }
  try {
    const lossy = (await lossySettings(redis)).map((sentence) => {
      const [problem = sentence, cure = ''] = sentence.split('; ');
      return {
        where,
        problem: `${problem}.`,
        cure: `In redis.conf, or in the settings of the hosted Redis, ${cure} CONFIG SET does it without a restart.`,
      };
    });
    return [
      ...lossy,
      ...serverFindings(await redis.info()),
      ...(await keyFindings(redis)),
      ...(await timeFindings(redis)),
    ];
  } finally {
    redis.disconnect();
  }
}

function serverFindings(info: string): Finding[] {
  const field = (name: string): string => new RegExp(`^${name}:(\\S+)`, 'm').exec(info)?.[1] ?? '';
  const findings: Finding[] = [];
  const [major = 0, minor = 0] = field('redis_version').split('.').map(Number);
  if (major < oldestVersion[0] || (major === oldestVersion[0] && minor < oldestVersion[1])) {
    const problem = `Version ${field('redis_version')} is older than ${oldestVersion.join('.')}.`;
    findings.push({ where, problem, cure: 'Install Redis 7 or Valkey.' });
  }
  if (field('role') === 'slave') {
    findings.push({
      where,
      problem: 'It is a replica, which accepts no writes.',
      cure: 'Point REDIS_URL at the master.',
    });
  }
  const failed = diskFields.filter((name) => field(name) === 'err');
  if (failed.length > 0) {
    const problem = `It could not write to its disk (${failed.join(', ')}), so it refuses writes or loses them at a restart.`;
    findings.push({
      where,
      problem,
      cure: 'Free space, or correct the folder (dir) and its rights; its log has the reason.',
    });
  }
  const limit = Number(field('maxmemory'));
  if (limit === 0) {
    const problem = 'maxmemory is not set, so Redis may use all memory of the machine and be killed.';
    findings.push({
      where,
      problem,
      cure: 'Set maxmemory to what the machine can spare; PNS then refuses notifications before it is full.',
    });
  }
  const used = limit === 0 ? 0 : Number(field('used_memory')) / limit;
  if (used > nearlyFull) {
    const problem = `${Math.round(used * 100)} % of maxmemory is used; above 90 % the API answers 503.`;
    findings.push({ where, problem, cure: 'Raise maxmemory, or start more workers, which empty the queues.' });
  }
  return findings;
}

/** Finds keys of PNS that the account may not use, because an ACL of Redis may limit an account to some keys. */
async function keyFindings(redis: RedisClient): Promise<Finding[]> {
  try {
    for (const key of ['pns:doctor', '{pns:0}:doctor']) await redis.exists(key);
    return [];
  } catch (error) {
    const { message } = error as Error;
    if (!message.startsWith('NOPERM')) throw error;
    const cure = 'Give it the keys ~pns:* and ~{pns:* with ACL SETUSER, or correct the user in REDIS_URL.';
    return [{ where, problem: `The account may not use the keys of PNS: ${message}.`, cure }];
  }
}

async function timeFindings(redis: RedisClient): Promise<Finding[]> {
  const before = Date.now();
  const [seconds, microseconds] = await redis.time();
  return clockFindings(where, before, Number(seconds) * 1000 + Number(microseconds) / 1000, Date.now());
}
