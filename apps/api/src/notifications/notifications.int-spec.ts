import { connect } from 'node:net';
import { cuttableLink, testRedisUrl } from '@pns/local-servers';
import { eventually } from '@pns/local-servers/waiting';
import { metrics } from '@pns/runtime';
import { testApi, type TestApi } from '../testing/test-api';

interface Answer {
  readonly accepted: number;
  readonly notifications: {
    readonly id: string;
    readonly status: string;
    readonly user?: number;
    readonly index?: number;
  }[];
  readonly errors?: { readonly index: number; readonly code: string }[];
}

interface Waiting {
  readonly id: string;
  readonly user: number;
  readonly topic: string;
  readonly payload: Record<string, unknown>;
}

const ndjson = { 'content-type': 'application/x-ndjson' };
const mail = { context: 1, user: 14, topic: 'ox:mail:new', payload: { folder: 'default0/INBOX' } };
const free = { context: 1, user: 14, topic: 'my:topic', payload: {} };

let api: TestApi;

beforeAll(async () => {
  api = await testApi();
});

afterEach(async () => {
  const keys = await api.redis.keys(`*${api.redisPrefix}*`);
  if (keys.length > 0) await api.redis.del(...keys);
});

afterAll(() => api.close());

/** The notifications that wait in Redis: all accepted ones, if no two of them are joined. */
async function waiting(): Promise<Waiting[]> {
  const items = await Promise.all([0, 1, 2, 3].map((shard) => api.redis.hvals(`{${api.redisPrefix}:${shard}}:items`)));
  return items.flat().map((item) => JSON.parse(item) as Waiting);
}

/** The number of notifications that this process has accepted, by its metrics. */
async function acceptedSoFar(): Promise<number> {
  const metric = await metrics.getSingleMetric('pns_notifications_total')?.get();
  return metric?.values.find(({ labels }) => labels['result'] === 'accepted')?.value ?? 0;
}

function post(body: unknown, headers: Record<string, string> = {}) {
  return api.send<Answer>('POST', '/v1/notifications', { body, headers });
}

describe('one notification', () => {
  it('waits in Redis after the answer 202', async () => {
    const whole = {
      ...mail,
      payload: { folder: 'default0/INBOX', id: '113', unread: 83, flags: ['a', { b: null }] },
      sourceToken: '160491815377',
      priority: 'low',
      ttlSeconds: 60,
      aggregationKey: 'inbox',
      id: 'producer-chosen',
    };
    const before = Date.now();
    const { status, body } = await post(whole);
    const after = Date.now();
    expect(status).toBe(202);
    expect(body).toEqual({ accepted: 1, notifications: [{ id: 'producer-chosen', status: 'accepted' }] });
    const [kept] = await waiting();
    const { ttlSeconds, aggregationKey, ...stays } = whole;
    void aggregationKey;
    expect(kept).toMatchObject(stays);
    const { timestamp, expiresAt } = kept as unknown as { timestamp: number; expiresAt: number };
    expect(timestamp).toBeGreaterThanOrEqual(before);
    expect(timestamp).toBeLessThanOrEqual(after);
    expect(expiresAt).toBe(timestamp + ttlSeconds * 1000);
  });

  it('gets a UUID where the producer chose no id', async () => {
    const { body } = await post(mail);
    expect(body.notifications[0]?.id).toMatch(/^[0-9a-f-]{36}$/);
  });

  it.each([
    ['id', { id: 'order-1' }, {}],
    ['Idempotency-Key', {}, { 'idempotency-key': 'order-1' }],
    ['both, alike', { id: 'order-1' }, { 'idempotency-key': 'order-1' }],
  ])('is harmless to repeat with %s', async (_name, fields, headers) => {
    const first = await post({ ...free, ...fields }, headers);
    const second = await post({ ...free, ...fields }, headers);
    expect(first.body.notifications).toEqual([{ id: 'order-1', status: 'accepted' }]);
    expect(second).toMatchObject({ status: 202, body: { accepted: 0 } });
    expect(second.body.notifications).toEqual([{ id: 'order-1', status: 'duplicate' }]);
    expect(await waiting()).toHaveLength(1);
  });

  it('may be sent in chunks, with a charset, and with a key of scope ingest', async () => {
    const made = await api.send<{ key: string }>('POST', '/v1/api-keys', {
      body: { name: 'mail', scopes: ['ingest'] },
    });
    const body = new Blob([JSON.stringify(mail)]).stream();
    const headers = { 'content-type': 'application/json; charset=utf-8' };
    const answer = await api.send('POST', '/v1/notifications', { body, headers, key: made.body.key });
    expect(answer.status).toBe(202);
  });

  it.each([
    ['at the edge', 65_536, 202],
    ['beyond it', 65_537, 413],
  ])('with a payload %s gets status %d', async (_name, bytes, status) => {
    const text = 'ä'.repeat((bytes - (bytes % 2) - 12) / 2) + 'x'.repeat(bytes % 2);
    const payload = { text: `${text}x` };
    expect(Buffer.byteLength(JSON.stringify(payload))).toBe(bytes);
    expect((await post({ ...free, payload })).status).toBe(status);
  });

  it.each(['constructor', '__proto__', 'toString'])('may have the topic %s', async (topic) => {
    expect((await post({ ...free, topic })).status).toBe(202);
  });
});

describe('a notification for many users', () => {
  it('has a result for each user', async () => {
    const { status, body } = await post({ ...mail, user: undefined, users: [14, 15, 16], id: 'news' });
    expect(status).toBe(202);
    expect(body).toEqual({
      accepted: 3,
      notifications: [14, 15, 16].map((user) => ({ id: 'news', user, status: 'accepted' })),
    });
    const again = await post({ ...mail, user: undefined, users: [16, 17], id: 'news' });
    expect(again.body.notifications).toEqual([
      { id: 'news', user: 16, status: 'duplicate' },
      { id: 'news', user: 17, status: 'accepted' },
    ]);
    expect((await waiting()).map(({ user }) => user).sort()).toEqual([14, 15, 16, 17]);
  });

  it('may name a thousand', async () => {
    const users = Array.from({ length: 1000 }, (_, index) => index + 1);
    const { body } = await post({ ...mail, user: undefined, users });
    expect(body.accepted).toBe(1000);
    expect(new Set(body.notifications.map(({ id }) => id)).size).toBe(1000);
    expect(await waiting()).toHaveLength(1000);
  });
});

describe('a batch', () => {
  it('of a thousand is accepted completely', async () => {
    const notifications = Array.from({ length: 1000 }, (_, index) => ({ ...free, user: index + 1, id: `n-${index}` }));
    const { status, body } = await post({ notifications });
    expect(status).toBe(202);
    expect(body.accepted).toBe(1000);
    expect(body.notifications.map(({ id }) => id)).toEqual(notifications.map(({ id }) => id));
    expect(await waiting()).toHaveLength(1000);
  });

  it('with invalid entries is accepted without them', async () => {
    const { status, body } = await post({
      notifications: [
        { ...free, id: 'a' },
        { ...free, topic: 'b b' },
        { ...mail, user: undefined, users: [1, 2] },
        null,
      ],
    });
    expect(status).toBe(207);
    expect(body.accepted).toBe(3);
    expect(body.notifications).toMatchObject([
      { index: 0, id: 'a', status: 'accepted' },
      { index: 2, user: 1, status: 'accepted' },
      { index: 2, user: 2, status: 'accepted' },
    ]);
    expect(body.errors).toMatchObject([
      { index: 1, code: 'TOPIC_INVALID' },
      { index: 3, code: 'NOTIFICATION_INVALID' },
    ]);
    expect(await waiting()).toHaveLength(3);
  });

  it('reports a duplicate for an id that it repeats', async () => {
    const { body } = await post({
      notifications: [
        { ...free, id: 'a' },
        { ...free, id: 'a' },
      ],
    });
    expect(body.notifications.map(({ status }) => status)).toEqual(['accepted', 'duplicate']);
  });
});

describe('NDJSON', () => {
  it('is read line by line, with blank lines, CR LF and no newline at the end', async () => {
    const lines = `${JSON.stringify({ ...free, id: 'a' })}\r\n\n  \n${JSON.stringify({ ...free, user: 15, id: 'b' })}`;
    const { status, body } = await post(lines, ndjson);
    expect(status).toBe(202);
    expect(body.notifications).toEqual([
      { index: 0, id: 'a', status: 'accepted' },
      { index: 1, id: 'b', status: 'accepted' },
    ]);
  });

  it('reports invalid lines and accepts the others, also after a line that is too long', async () => {
    const good = JSON.stringify(free);
    const lines = [good, '{', 'x'.repeat(600_000), '{"__proto__":1}', good].join('\n');
    const { status, body } = await post(lines, ndjson);
    expect(status).toBe(207);
    expect(body.notifications.map(({ index }) => index)).toEqual([0, 4]);
    expect(body.errors?.map(({ index, code }) => [index, code])).toEqual([
      [1, 'BODY_MALFORMED'],
      [2, 'BODY_TOO_LARGE'],
      [3, 'NOTIFICATION_INVALID'],
    ]);
  });

  it('accepts the first lines before the rest has arrived', async () => {
    let finish: () => void = () => undefined;
    const body = new ReadableStream<Uint8Array>({
      start: (stream) => {
        const lines = Array.from({ length: 600 }, (_, user) => `${JSON.stringify({ ...free, user: user + 1 })}\n`);
        stream.enqueue(Buffer.from(lines.join('')));
        finish = () => {
          stream.enqueue(Buffer.from(JSON.stringify({ ...free, user: 601 })));
          stream.close();
        };
      },
    });
    const answer = post(body, ndjson);
    await eventually('500 notifications are stored', async () => (await waiting()).length >= 500);
    finish();
    expect((await answer).body.accepted).toBe(601);
  });

  it('is read up to line 100,000 of blank lines too', async () => {
    const { status, body } = await post('\n'.repeat(100_001), ndjson);
    expect([status, body.errors?.map(({ code }) => code)]).toEqual([422, ['BATCH_TOO_LARGE']]);
  });

  it('is read up to line 100,000', async () => {
    const lines = `${JSON.stringify(free)}\n${'{}\n'.repeat(100_001)}`;
    const { status, body } = await post(lines, ndjson);
    expect(status).toBe(207);
    expect(body.accepted).toBe(1);
    expect(body.errors).toHaveLength(100_000);
    expect(body.errors?.at(-1)).toMatchObject({ index: 100_000, code: 'BATCH_TOO_LARGE' });
  });

  it('keeps the accepted lines when the sender closes the connection, and serves other requests', async () => {
    const line = `${JSON.stringify(free)}\n`.repeat(600);
    const socket = connect(Number(new URL(api.url).port), '127.0.0.1');
    socket.write(
      `POST /v1/notifications HTTP/1.1\r\nhost: x\r\nauthorization: Bearer the bootstrap key of these tests\r\n` +
        `content-type: application/x-ndjson\r\ncontent-length: 9999999\r\n\r\n${line}`,
    );
    await eventually('notifications are stored', async () => (await waiting()).length > 0);
    socket.destroy();
    expect((await post(mail)).status).toBe(202);
  });
});

describe('without Redis', () => {
  it('answers 503 with Retry-After, and accepts notifications again when Redis is back', async () => {
    const link = await cuttableLink(testRedisUrl());
    const parted = await testApi({ redisUrl: link.url });
    expect((await parted.send('POST', '/v1/notifications', { body: mail })).status).toBe(202);
    link.cut();
    for (const body of [mail, { notifications: [mail, free] }]) {
      const answer = await parted.send('POST', '/v1/notifications', { body });
      expect(answer).toMatchObject({ status: 503, body: { code: 'REDIS_UNREACHABLE' } });
      expect(answer.headers.get('retry-after')).toBe('5');
    }
    const ready = await parted.send('GET', '/health/ready', { key: null });
    expect(ready).toMatchObject({ status: 503, body: { parts: { postgres: 'ok' } } });
    link.mend();
    await eventually('notifications are accepted again', async () => {
      const { status } = await parted.send('POST', '/v1/notifications', { body: mail });
      return status === 202;
    });
    await parted.close();
    await link.close();
  });

  it('lists the notifications accepted before, and the rest as errors', async () => {
    const link = await cuttableLink(testRedisUrl());
    const parted = await testApi({ redisUrl: link.url });
    const before = await acceptedSoFar();
    let finish: () => void = () => undefined;
    const chunk = `${JSON.stringify(free)}\n`.repeat(500);
    const body = new ReadableStream<Uint8Array>({
      start: (stream) => {
        stream.enqueue(Buffer.from(chunk));
        finish = () => {
          stream.enqueue(Buffer.from(chunk));
          stream.close();
        };
      },
    });
    const answer = parted.send<Answer>('POST', '/v1/notifications', { body, headers: ndjson });
    await eventually('500 notifications are accepted', async () => (await acceptedSoFar()) >= before + 500);
    link.cut();
    finish();
    const { status, body: bodyOfAnswer } = await answer;
    expect(status).toBe(207);
    expect(bodyOfAnswer.accepted).toBe(500);
    expect(bodyOfAnswer.errors).toHaveLength(500);
    expect(bodyOfAnswer.errors?.[0]).toMatchObject({ index: 500, code: 'REDIS_UNREACHABLE' });
    link.mend();
    await parted.close();
    await link.close();
  });
});

it('is refused completely with 503 while too many notifications wait', async () => {
  // No dispatcher runs in this test, so notifications that are due stay in Redis.
  const pns = 'com.openexchange.pns';
  const properties = `${pns}.delayDuration=0\n${pns}.maxProcessorTasks=2\n${pns}.timerFrequency=10\n`;
  const crowded = await testApi({ files: { 'pns.properties': properties } });
  const statuses: number[] = [];
  let answer = await crowded.send('POST', '/v1/notifications', { body: { ...free, payload: { n: 0 } } });
  while (answer.status === 202) {
    statuses.push(answer.status);
    answer = await crowded.send('POST', '/v1/notifications', { body: { ...free, payload: { n: statuses.length } } });
  }
  expect(answer).toMatchObject({ status: 503, body: { code: 'OVERLOADED' } });
  expect(answer.headers.get('retry-after')).toBe('1');
  const counts = await Promise.all(
    [0, 1, 2, 3].map((shard) => crowded.redis.hlen(`{${crowded.redisPrefix}:${shard}}:items`)),
  );
  await crowded.close();
  expect(counts.reduce((sum, count) => sum + count)).toBe(statuses.length);
});
