import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '@pns/local-servers/waiting';
import { transportNames } from '@pns/transport-contract';
import { Redis } from 'ioredis';
import { root } from './doc-page';
import { listen } from './sockets';
import { apiKey, System } from './system';

const user = { context: 1, user: 14 };

/** The regular expressions for placeholders in the key patterns of docs/architecture.md. */
const placeholders: Readonly<Record<string, string>> = {
  shard: '\\d+',
  context: '\\d+',
  user: '\\d+',
  digest: '[A-Za-z0-9+/=]+',
  id: '[0-9a-f-]{36}',
  node: '[\\w-]+',
  job: '(?:[0-9a-f]{40}|(?:tick|now|more|passed)-[\\w-]+|repeat:sweep:\\d+)',
  queue: `\\{pns:(?:\\d+\\}:(?:aggregation|${transportNames.join('|')}|subscription-sweep)|websocket\\}:websocket-[\\w-]+)`,
};

/** The key pattern of each row of the page's table, and its regular expression. */
const patterns = [
  ...readFileSync(join(root, 'docs/architecture.md'), 'utf8').matchAll(/^\| `((?:\{?pns:|<queue>)[^`]*)`/gm),
].map(([, pattern = '']): [string, RegExp] => {
  const parts = pattern.split(/<(\w+)>/).map((part, index) => (index % 2 === 1 ? placeholders[part] : literal(part)));
  return [pattern, new RegExp(`^${parts.join('')}$`)];
});

/** Keys that only earlier versions wrote. */
const neverWritten = ['{pns:<shard>}:backlog:<context>:<user>'];

/** Keys that are written only if a search for stalled jobs finds a job in progress. */
const sometimesWritten = ['<queue>:stalled'];

function literal(text: string): string {
  return text.replace(/[{}.]/g, '\\$&');
}

let system: System;
let redis: Redis;
let events: Redis;
const seen = new Set<string>();

const isSeen = (pattern: string): boolean => {
  const [, expression] = patterns.find(([each]) => each === pattern) ?? [];
  return [...seen].some((key) => expression?.test(key) === true);
};

beforeAll(async () => {
  system = await System.start({ isDurable: false, processes: { 'worker-websocket': 2 } });
  redis = new Redis(system.redis.url);
  events = new Redis(system.redis.url);
  await redis.config('SET', 'notify-keyspace-events', 'AKE');
  events.on('pmessage', (_pattern, channel: string) => seen.add(channel.slice(channel.indexOf(':') + 1)));
  await events.psubscribe('__keyspace@0__:*');
});

afterAll(async () => {
  events?.disconnect();
  redis?.disconnect();
  await system?.stop();
});

async function post(notification: object, key = apiKey): Promise<void> {
  const response = await fetch(`${system.app('api').url}/v1/notifications`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ ...user, topic: 'any', payload: { a: 1 }, ...notification }),
  });
  expect(response.status).toBe(202);
}

it('the map of Redis keys in docs/architecture.md has every key that a running system writes, and no other', async () => {
  await system.subscribe(user);
  const name = 'com.openexchange.pns.delayDuration';
  await system.expect(200, 'PUT', `/v1/config/contexts/2/properties/${name}`, { value: 0 });
  await system.untilObeyed({ context: 2, user: 1 }, name, 0);
  await post({ context: 2, user: 1 });
  const { key } = await system.expect<{ key: string }>(201, 'POST', '/v1/api-keys', {
    name: 'limited',
    scopes: ['ingest'],
    rateLimitPerSecond: 10,
  });
  await post({ id: 'chosen-by-the-producer' }, key);
  await system.arrivalsOf(1);

  const { id } = await system.expect<{ id: string }>(201, 'POST', '/v1/sessions', user);
  await system.expect(204, 'DELETE', `/v1/sessions/${id}`);
  await system.expect(204, 'DELETE', '/v1/contexts/3/users/1');

  const socket = await listen(system, user, { connection: 'tab', worker: system.app('worker-websocket', 0) });
  socket.socket.close();
  await eventually('a delivery is parked', async () => {
    await post({ topic: 'ox:mail:new', payload: { folder: 'INBOX', id: String(seen.size) } });
    return isSeen('{pns:<shard>}:mail:<context>:<user>');
  });
  await system.app('worker-websocket', 0).kill();
  await eventually('the dead node is adopted', () => isSeen('{pns:websocket}:adopters'));

  for (const each of await redis.keys('*')) seen.add(each);
  expect([...seen].filter((each) => !patterns.some(([, expression]) => expression.test(each))).sort()).toEqual([]);
  const unseen = patterns.map(([pattern]) => pattern).filter((pattern) => !isSeen(pattern));
  expect(unseen.filter((pattern) => !sometimesWritten.includes(pattern))).toEqual(neverWritten);
});
