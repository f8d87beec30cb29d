/** What an operator can do about memory that is used up. */
const cure = 'Raise maxmemory of Redis, or start more workers so that waiting deliveries leave it.';

const outOfMemory = /^OOM\b|OOM command not/;
const outOfDisk = /^MISCONF\b|MISCONF /;

/** Why Redis refuses writes, with a remedy, when `error` is caused by full memory or a full disk; otherwise undefined. */
export function redisFullSentence(error: unknown): string | undefined {
  if (!(error instanceof Error) || error.name !== 'ReplyError') return undefined;
  if (outOfMemory.test(error.message)) return `Redis has used up its memory limit and refuses writes. ${cure}`;
  if (outOfDisk.test(error.message)) {
    return 'Redis cannot write to its disk and refuses writes. Free space on the disk of Redis; its log names the fault.';
  }
  return undefined;
}

/** The sentence for a Redis that accepts writes, but uses so much memory that PNS accepts no more notifications. */
export function redisNearlyFullSentence(usedPart: number, limit: number): string {
  const [used, most] = [usedPart, limit].map((part) => `${Math.floor(part * 100)} %`);
  return `Redis has used ${used} of its memory limit, and above ${most} nothing more is accepted. ${cure}`;
}
