// The limit of `dispatch`: one script takes many due windows, one query finds their subscriptions, one command enqueues the deliveries, and
// one acknowledges the windows. It decides, joins, logs and records nothing, and has no shards.
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { Client } from 'pg';
import { answerQuestions } from '../child';
import { mailNotification, type Notification } from '../notifications';

const windowsPerBatch = 500;
/** Windows that are opened at once. */
const perFill = 1000;

type WindowQuestion =
  | { readonly redisUrl: string; readonly databaseUrl: string }
  | { readonly open: number; readonly users: number }
  | { readonly dispatch: true };

interface Found {
  readonly id: string;
  readonly context: number;
  readonly user: number;
  readonly client: string;
  readonly transport: string;
  readonly token: string;
  readonly topics: readonly string[];
}

const take = `local keys = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, ARGV[2])
if #keys == 0 then return {} end
local values = redis.call('HMGET', KEYS[2], unpack(keys))
redis.call('ZREM', KEYS[1], unpack(keys))
redis.call('HDEL', KEYS[2], unpack(keys))
redis.call('RPUSH', KEYS[3], unpack(values))
return values`;

let redis: Redis;
let postgres: Client;

async function start(redisUrl: string, databaseUrl: string): Promise<object> {
  redis = new Redis(redisUrl);
  postgres = new Client({ connectionString: databaseUrl });
  await postgres.connect();
  return {};
}

async function openWindows(count: number, users: number): Promise<object> {
  for (let first = 0; first < count; first += perFill) {
    const due: (string | number)[] = [];
    const windows: string[] = [];
    for (let index = first; index < Math.min(first + perFill, count); index++) {
      const key = randomUUID();
      // `growth` stores ten users in each context.
      const holder = index % users;
      const owner = { context: 1 + Math.floor(holder / 10), user: 1 + (holder % 10) };
      due.push(1, key);
      windows.push(key, JSON.stringify({ ...mailNotification(index), ...owner, id: key, timestamp: Date.now() }));
    }
    await redis.zadd('due', ...due);
    await redis.hset('windows', ...windows);
  }
  return {};
}

/** Dispatches all due windows; resolves with the number of deliveries. */
async function dispatch(): Promise<object> {
  let deliveries = 0;
  for (;;) {
    const taken = (await redis.eval(take, 3, 'due', 'windows', 'taken', Date.now(), windowsPerBatch)) as string[];
    if (taken.length === 0) return { deliveries };
    const notifications = taken.map((text) => JSON.parse(text) as Notification & { id: string; timestamp: number });
    const { rows } = await postgres.query<Found>({
      name: 'subscriptions',
      text: `SELECT s.id, s.context_id AS context, s.user_id AS user, s.client, s.transport, s.token, s.topics
             FROM unnest($1::int[], $2::int[]) AS wanted (context_id, user_id) JOIN subscriptions s USING (context_id, user_id)`,
      values: [notifications.map(({ context }) => context), notifications.map(({ user }) => user)],
    });
    const byUser = new Map(rows.map((row) => [`${row.context}:${row.user}`, row]));
    const ready: object[] = [];
    for (const { id, context, user, topic, payload, timestamp } of notifications) {
      const found = byUser.get(`${context}:${user}`);
      if (found === undefined) continue;
      const { client, transport, token } = found;
      ready.push({
        id: `${id}:1`,
        notificationId: id,
        subscriptionId: found.id,
        context,
        user,
        topic,
        payload,
        timestamp,
        client,
        transport,
        token,
      });
    }
    await redis.rpush('jobs', JSON.stringify({ deliveries: ready }));
    await redis.del('taken');
    deliveries += ready.length;
  }
}

answerQuestions<WindowQuestion>((question) => {
  if ('redisUrl' in question) return start(question.redisUrl, question.databaseUrl);
  return 'open' in question ? openWindows(question.open, question.users) : dispatch();
});
