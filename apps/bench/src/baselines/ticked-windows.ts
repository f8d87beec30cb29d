// The limit of what is before the workers in `pipeline` and `lateness`: notifications wait in a sorted set of Redis, and a timer
// moves those that are due to jobs with many deliveries each. Nothing is joined, looked up, decided or recorded, and there is no HTTP.
import { setTimeout as pause } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { answerQuestions } from '../child';
import { mailNotification, type Notification } from '../notifications';

/** Notifications in a command; fewer at an even pace, so that the load does not move in step with the ticks. */
const [perCommand, perPacedCommand] = [100, 20];
const perJob = 500;

type TickedQuestion =
  /** `uri` is the webhook of all notifications; without it they are for sockets. */
  | { readonly redisUrl: string; readonly frequencyMs: number; readonly uri?: string }
  | {
      readonly first: number;
      readonly count: number;
      readonly users: number;
      readonly delayMs: number;
      /** Default: as fast as possible. */
      readonly perSecond?: number;
    };

type Accepted = Notification & { readonly id: string; readonly timestamp: number };

const take = `local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
if #due > 0 then redis.call('ZREM', KEYS[1], unpack(due)) end
return due`;

let redis: Redis;
let queue: Queue<object>;

function start(redisUrl: string, frequencyMs: number, uri?: string): object {
  redis = new Redis(redisUrl, { maxRetriesPerRequest: null });
  queue = new Queue(uri === undefined ? 'events' : 'webhooks', { connection: redis });
  let ticking: Promise<void> | undefined;
  setInterval(() => {
    ticking ??= tick(uri).finally(() => (ticking = undefined));
  }, frequencyMs);
  return {};
}

async function tick(uri?: string): Promise<void> {
  for (;;) {
    const due = (await redis.eval(take, 1, 'due', Date.now(), perJob)) as string[];
    if (due.length === 0) return;
    const notifications = due.map((text) => JSON.parse(text) as Accepted);
    const data = uri === undefined ? { events: notifications } : notifications.map((each) => ({ ...each, uri }));
    await queue.add('deliver', data, { removeOnComplete: true });
  }
}

async function accept(first: number, count: number, users: number, delayMs: number, perSecond = Infinity) {
  const startedAt = performance.now();
  const size = perSecond === Infinity ? perCommand : perPacedCommand;
  for (let from = first; from < first + count; from += size) {
    await pause(Math.max(0, startedAt + ((from - first) * 1000) / perSecond - performance.now()));
    const timestamp = Date.now();
    const entries = Array.from({ length: Math.min(size, first + count - from) }, (_, at) => {
      const accepted: Accepted = { ...mailNotification(from + at, users), id: String(from + at), timestamp };
      return [timestamp + delayMs, JSON.stringify(accepted)];
    });
    await redis.zadd('due', ...entries.flat());
  }
  return {};
}

answerQuestions<TickedQuestion>((question) =>
  'redisUrl' in question
    ? Promise.resolve(start(question.redisUrl, question.frequencyMs, question.uri))
    : accept(question.first, question.count, question.users, question.delayMs, question.perSecond),
);
