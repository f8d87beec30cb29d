import { lossySettings, openRedis, type RedisClient } from '@pns/redis';
import { PnsError } from '@pns/runtime/errors';
import type { Finding } from './finding';

/** How long to wait for Redis, in ms. */
const waitMs = 3000;
/** BullMQ's commands need this version. Source: BullMQ, "Connections". */
const oldestVersion = [6, 2] as const;
/** Clocks that differ by more than this make windows and retries early or late, in ms. */
const toleratedSkewMs = 1000;
/** Above this part of its memory Redis is close to the 0.9 at which PNS accepts nothing more. */
const nearlyFull = 0.8;

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
        : 'Start Redis, or correct host and port in REDIS_URL.';
    return [{ where, problem: error.message.replace(ownCure, ''), cure }];
  }
  try {
    const lossy = (await lossySettings(redis)).map((sentence) => {
      const [problem = sentence, cure = ''] = sentence.split('; ');
      return { where, problem: `${problem}.`, cure: `In redis.conf ${cure} CONFIG SET does it without a restart.` };
    });
    return [...lossy, ...serverFindings(await redis.info()), ...(await clockFindings(redis))];
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

async function clockFindings(redis: RedisClient): Promise<Finding[]> {
  const before = Date.now();
  const [seconds, microseconds] = await redis.time();
  const after = Date.now();
  const time = Number(seconds) * 1000 + Number(microseconds) / 1000;
  const skew = time < before ? before - time : time > after ? time - after : 0;
  if (skew <= toleratedSkewMs) return [];
  const problem = `Its clock differs from this machine's by ${Math.round(skew / 1000)} s.`;
  return [{ where, problem, cure: 'Let NTP set both clocks.' }];
}
