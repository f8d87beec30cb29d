import { createHmac } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Webhook } from 'standardwebhooks';
import { untilQuiet } from './until-quiet';
import { calendarUpdates, john, newMail } from './seeds';
import { listen, type Listener } from './sockets';
import { signatureSecret, System } from './system';

/** The interval in which windows are checked, in ms. */
const tickMs = 500;

let system: System;

beforeAll(async () => {
  system = await System.start({ isDurable: false, processes: { 'worker-websocket': 2 } });
  await system.expect(200, 'PUT', '/v1/contexts/1/users/14', { primaryEmail: 'john@example.com' });
  await system.subscribe(john);
});

afterAll(() => system?.stop());

/** Verifies a signature by the published rule only, and returns its timestamp. */
function expectSigned(body: string, header: string | undefined): number {
  const [, timestamp, signature] = /^t=(\d+), v1=([0-9a-f]{64})$/.exec(header ?? '') ?? [];
  expect(createHmac('sha256', signatureSecret).update(`v1:${timestamp}:${body}`).digest('hex')).toBe(signature);
  return Number(timestamp);
}

describe.each([
  ['ox:mail:new', newMail],
  ['ox:calendar:updates', calendarUpdates],
])('a notification of %s', (topic, payload) => {
  const opened: Listener[] = [];
  let sockets: Record<'v2' | 'v4' | 'elsewhere' | 'source' | 'sourceElsewhere', Listener>;
  const source = `source-of-${topic.replaceAll(':', '-')}`;

  beforeAll(async () => {
    await fetch(`${system.sandbox.url}/webhooks/box/arrivals`, { method: 'DELETE' });
    const other = system.app('worker-websocket', 0);
    sockets = {
      v2: await listen(system, john, { generation: 'v2' }),
      v4: await listen(system, john),
      elsewhere: await listen(system, john, { worker: other }),
      source: await listen(system, john, { connection: source }),
      sourceElsewhere: await listen(system, john, { connection: `${source}-2`, worker: other }),
    };
    opened.push(...Object.values(sockets));
    const answer = await system.expect(202, 'POST', '/v1/notifications', {
      ...john,
      topic,
      payload,
      sourceToken: source,
    });
    expect(answer).toMatchObject({ accepted: 1, notifications: [{ status: 'accepted' }] });
    await Promise.all([sockets.v2.got(1), sockets.v4.got(1), sockets.elsewhere.got(1), sockets.sourceElsewhere.got(1)]);
    await system.arrivalsOf(1);
    await untilQuiet();
  });

  afterAll(() => opened.forEach(({ socket }) => socket.close()));

  it.each(['v2', 'v4', 'elsewhere', 'sourceElsewhere'] as const)('reaches the %s socket once, unchanged', (name) => {
    expect(sockets[name].received.map(({ frame }) => frame)).toEqual([[topic, payload]]);
  });

  it('does not reach the socket that caused it', () => {
    expect(sockets.source.received).toEqual([]);
  });

  it('reaches the webhook once, signed twice', async () => {
    const { items } = await system.arrivals();
    expect(items).toHaveLength(1);
    const [{ body, headers, oxSignature, standardWebhooks }] = items as [(typeof items)[number]];
    const timestamp = expectSigned(body, headers['x-ox-signature']);
    expect(body).toBe(
      JSON.stringify({
        event: topic,
        payload: { ...payload, user: 14, context: 1, email1: 'john@example.com', sourceToken: source },
        timestamp,
      }),
    );
    const standard = new Webhook(Buffer.from(signatureSecret).toString('base64'));
    expect(standard.verify(body, { ...headers })).toEqual(JSON.parse(body));
    expect([oxSignature, standardWebhooks]).toEqual(['valid', 'valid']);
    expect(headers).toMatchObject({
      'content-type': 'application/json; charset=UTF-8',
      'user-agent': 'Open-Xchange Webhook Client',
    });
  });
});

it('a lone notification takes 1.0 to 1.6 s from POST to sockets of Socket.IO 2 and 4 and to the webhook, once', async () => {
  await fetch(`${system.sandbox.url}/webhooks/box/arrivals`, { method: 'DELETE' });
  const [v2, v4] = [await listen(system, john, { generation: 'v2' }), await listen(system, john)];
  const rounds = 8;
  const took: number[][] = [[], [], []];
  for (let count = 1; count <= rounds; count++) {
    // Post in the middle between two ticks, so that no round is fast by chance.
    await pause(tickMs - ((Date.now() + tickMs / 2) % tickMs));
    const postedAt = Date.now();
    const payload = { ...newMail, id: `lone-${count}` };
    await system.expect(202, 'POST', '/v1/notifications', { ...john, topic: 'ox:mail:new', payload });
    const [arrivals] = await Promise.all([system.arrivalsOf(count), v2.got(count), v4.got(count)]);
    const last = [v2.received, v4.received, arrivals].map((each) => each.at(-1)?.at ?? 0);
    last.forEach((at, index) => took[index]?.push(at - postedAt));
  }
  await untilQuiet();
  expect([v2.received.length, v4.received.length, (await system.arrivals()).total]).toEqual([rounds, rounds, rounds]);
  for (const { socket } of [v2, v4]) socket.close();
  for (const times of took) {
    const fastest = Math.min(...times);
    expect(fastest).toBeGreaterThanOrEqual(1000);
    // Not all rounds must be in time, because the machine may be busy for a moment.
    expect(fastest).toBeLessThanOrEqual(1600);
  }
});

it('a webhook of a subscription with its own credentials is sent these, also by a test push, and no log contains them', async () => {
  const [jane, password] = [{ context: 1, user: 15 }, 'jane-s-secret'];
  const subscription = { ...jane, client: 'sandbox', transport: 'webhook', topics: ['*'] };
  const token = `${system.sandbox.url}/webhooks/own`;
  const registered = { ...subscription, token, meta: { username: 'jane', password } };
  const { id } = await system.expect<{ id: string }>(201, 'POST', '/v1/subscriptions', registered);
  await system.expect(202, 'POST', '/v1/notifications', { ...jane, topic: 'ox:mail:new', payload: newMail });
  await system.arrivalsOf(1, 'own');
  const test = await system.expect(200, 'POST', `/v1/subscriptions/${id}/test`);
  expect(test).toMatchObject({ outcome: 'delivered' });
  const basic = Buffer.from(`jane:${password}`).toString('base64');
  const seen = (await system.arrivals('own')).items.map(({ headers }) => headers['authorization']);
  expect(seen).toEqual([`Basic ${basic}`, `Basic ${basic}`]);
  for (const name of ['api', 'dispatcher', 'worker-webhook'] as const) {
    expect(system.app(name).output).not.toMatch(new RegExp(`${password}|${basic}`));
  }
});

it("Dovecot's own request arrives as a new mail, decoded", async () => {
  const socket = await listen(system, john);
  const response = await fetch(`${system.app('api').url}/preliminary/http-notify/v1/notify`, {
    method: 'PUT',
    headers: {
      'content-type': 'application/json; charset=utf-8',
      authorization: `Basic ${Buffer.from('dovecot:a-key-for-end-to-end-tests').toString('base64')}`,
    },
    body: JSON.stringify({
      user: '14@1',
      event: 'messageNew',
      folder: 'INBOX',
      'imap-uidvalidity': 123412341,
      'imap-uid': 2345,
      from: '=?utf-8?q?=C3=84nne?= <alice@example.org>',
      subject: 'Test =?utf-8?q?p=C3=A4iv?=',
      snippet: 'Hey guys\nThis is only a test...',
      unseen: 2,
    }),
  });
  expect([response.status, await response.json()]).toEqual([200, { success: true }]);
  await socket.got(1);
  socket.socket.close();
  expect(socket.received[0]?.frame).toEqual([
    'ox:mail:new',
    {
      folder: 'default0/INBOX',
      id: '2345',
      email: 'alice@example.org',
      displayname: 'Änne',
      subject: 'Test päiv',
      unread: 2,
      teaser: 'Hey guys\nThis is only a test...',
    },
  ]);
});
