import { Mailboxes, SocketRegistry, type Opening } from '@pns/sockets';
import { Client } from 'pg';
import { testApi, type TestApi } from '../testing/test-api';

interface Target {
  readonly subscription?: string;
  readonly sockets?: { readonly open: number; readonly away: number };
  readonly client: string;
  readonly isReached: boolean;
  readonly sentence: string;
}

interface Answer {
  readonly sentence: string;
  readonly targets: readonly Target[];
  readonly isComplete: boolean;
}

let api: TestApi;

beforeAll(async () => {
  const clients = {
    web: { path: '/web', topics: ['ox:mail:*'] },
    other: { path: '/other', topics: ['ox:calendar:*'] },
  };
  const webhooks = { crm: { uri: 'https://crm.example.com/push' } };
  const files = { 'websocket-clients.yml': JSON.stringify(clients), 'webhooks.yml': JSON.stringify(webhooks) };
  api = await testApi({ files });
});

afterAll(() => api.close());

/** A token in the format of the transport. */
function tokenOf(transport: string, name: string): string {
  return transport === 'apns' ? Buffer.from(name).toString('hex') : name.replace(/[*]/g, 'all');
}

async function subscribe(user: number, client: string, transport: string, topics: string[]): Promise<string> {
  const token = transport === 'webhook' ? {} : { token: tokenOf(transport, `${client}-${user}-${topics.join('-')}`) };
  const body = { context: 1, user, client, transport, topics, ...token };
  const { status, body: made } = await api.send('POST', '/v1/subscriptions', { body });
  expect(status).toBe(201);
  return String(made['id']);
}

function opening(user: number, client: string, connection: string): Opening {
  return { context: 1, user, client, connection, isAnonymous: false, opening: '1', session: 'a session' };
}

async function closeSocket(of: Opening): Promise<void> {
  const [nothing, limits] = [
    { deliveries: [], hasGap: false },
    { maxNotifications: 1, maxBytes: 1 },
  ];
  await api.app.get(Mailboxes, { strict: false }).close(of, 'node-1', nothing, limits);
}

function openSocket(user: number, client: string, connection: string): Promise<unknown> {
  return api.app.get(SocketRegistry, { strict: false }).open(opening(user, client, connection), 'node-1', 8);
}

async function explain(user: number, topic = 'ox:mail:new'): Promise<Answer> {
  const { status, body } = await api.send<Answer>('GET', `/v1/config/explain?context=1&user=${user}&topic=${topic}`);
  expect(status).toBe(200);
  return body;
}

async function set(place: string, name: string, value: boolean | string): Promise<void> {
  const { status } = await api.send('PUT', `/v1/config/${place}/properties/${name}`, { body: { value } });
  expect(status).toBe(200);
}

it('explains for each subscription and socket of a user whether it receives a topic, and why not', async () => {
  await set('server', 'com.openexchange.pns.transport.gcm.enabled', true);
  await set('contexts/1', 'com.openexchange.pns.transport.gcm.enabled.tablet', false);
  const phone = await subscribe(5, 'phone', 'fcm', ['ox:calendar:*', 'ox:mail:*']);
  const calendar = await subscribe(5, 'phone', 'fcm', ['ox:calendar:*']);
  const tablet = await subscribe(5, 'tablet', 'fcm', ['*']);
  const iphone = await subscribe(5, 'iphone', 'apns', ['ox:calendar:*']);
  const old = await subscribe(5, 'old', 'fcm', ['*']);
  const database = new Client({ connectionString: api.database.url });
  await database.connect();
  await database.query(`UPDATE subscriptions SET expires_at = '2026-01-02T03:04:05Z' WHERE id = $1`, [old]);
  await database.end();
  await openSocket(5, 'web', 'a');
  await openSocket(5, 'web', 'b');
  await openSocket(5, 'other', 'c');
  await openSocket(5, 'forgotten', 'd');
  await subscribe(6, 'phone', 'fcm', ['*']);

  const answer = await explain(5);
  const gcm = 'com.openexchange.pns.transport.gcm.enabled';
  const on = (name: string) => ({ isEnabled: true, decidedBy: { name, origin: { scope: 'server' } } });
  const isDefault = { name: 'com.openexchange.pns.transport.websocket.enabled', origin: { scope: 'default' } };
  expect(answer.isComplete).toBe(true);
  expect(answer.sentence).toBe(
    'User 5 in context 1 receives ox:mail:new at 2 of 8 targets: phone through fcm, web through websocket.',
  );
  const expected = [
    {
      ...{
        subscription: phone,
        client: 'phone',
        transport: 'fcm',
        matchedBy: 'ox:mail:*',
        isExpired: false,
        ...on(gcm),
      },
      isReached: true,
      sentence: `phone receives ox:mail:new through fcm, because ox:mail:* matches and ${gcm} is true for the server.`,
    },
    {
      ...{ subscription: calendar, isReached: false, ...on(gcm) },
      sentence: 'phone does not receive ox:mail:new through fcm, because none of its topics (ox:calendar:*) matches.',
    },
    {
      ...{ subscription: tablet, isReached: false, isEnabled: false, matchedBy: '*' },
      decidedBy: { name: `${gcm}.tablet`, origin: { scope: 'context' } },
      sentence: `tablet does not receive ox:mail:new through fcm, because ${gcm}.tablet is false for the context.`,
    },
    {
      ...{ subscription: iphone, isReached: false, isEnabled: false },
      sentence:
        'iphone does not receive ox:mail:new through apns, because none of its topics (ox:calendar:*) matches; com.openexchange.pns.transport.apn.ios.enabled is not set, and its default is false.',
    },
    {
      ...{ subscription: old, isReached: false, isExpired: true, matchedBy: '*' },
      sentence: 'old does not receive ox:mail:new through fcm, because it expired at 2026-01-02T03:04:05.000Z.',
    },
    { client: 'web', transport: 'websocket', sockets: { open: 2, away: 0 }, isReached: true, decidedBy: isDefault },
    { client: 'other', isReached: false, sentence: expect.stringContaining('(ox:calendar:*)') as string },
    { client: 'forgotten', isReached: false, sentence: expect.stringContaining('names no client forgotten') as string },
  ];
  const bySentence = (a: { client?: string }, b: { client?: string }) => (a.client ?? '').localeCompare(b.client ?? '');
  expect(answer.targets.filter((target) => target.subscription !== undefined)).toMatchObject(expected.slice(0, 5));
  const sockets = answer.targets.filter((target) => target.sockets !== undefined);
  expect([...sockets].sort(bySentence)).toMatchObject(expected.slice(5).sort(bySentence));
});

it('counts sockets that may reconnect', async () => {
  await openSocket(7, 'web', 'a');
  await closeSocket(opening(7, 'web', 'a'));
  expect((await explain(7)).targets).toMatchObject([{ client: 'web', sockets: { open: 0, away: 1 }, isReached: true }]);
});

it('reports that there is no target, or that no target receives the topic', async () => {
  expect(await explain(8)).toEqual({
    sentence: 'User 8 in context 1 has no subscription and no open socket, so no client receives ox:mail:new.',
    targets: [],
    isComplete: true,
  });
  await subscribe(9, 'phone', 'fcm', ['ox:calendar:*']);
  expect((await explain(9)).sentence).toBe('User 9 in context 1 has 1 target, and none of them receives ox:mail:new.');
});

it('agrees with the explanation of a single client', async () => {
  for (const { client, transport } of [
    { client: 'phone', transport: 'fcm' },
    { client: 'tablet', transport: 'fcm' },
    { client: 'iphone', transport: 'apns' },
  ]) {
    const { targets } = await explain(5);
    const of = `context=1&user=5&topic=ox:mail:new&client=${client}&transport=${transport}`;
    const single = await api.send('GET', `/v1/config/explain?${of}`);
    const same = targets.find((target) => target.client === client);
    expect(same).toMatchObject({ isEnabled: single.body['isEnabled'], decidedBy: single.body['decidedBy'] });
  }
});

describe('the explanation of a webhook', () => {
  const enabledIds = 'com.openexchange.webhooks.enabledIds';
  const switchName = 'com.openexchange.pns.transport.webhooks.enabled';
  const single = () =>
    api.send<Answer & { places: object[] }>(
      'GET',
      '/v1/config/explain?context=1&user=10&topic=order&client=crm&transport=webhook',
    );

  it('reports that the webhook is enabled, and all places that were checked', async () => {
    await set('server', enabledIds, 'crm');
    await subscribe(10, 'crm', 'webhook', ['order']);
    const [reached] = (await explain(10, 'order')).targets;
    expect(reached).toMatchObject({ client: 'crm', isReached: true, decidedBy: { name: switchName } });
    const { body } = await single();
    expect(body).toMatchObject({ isEnabled: true, decidedBy: { name: switchName, origin: { scope: 'default' } } });
    const listed = { name: enabledIds, origin: { scope: 'server' }, text: 'crm', isOverruled: false };
    expect(body.places).toContainEqual(listed);
  });

  it.each<[string, () => Promise<unknown>, object, string]>([
    [
      'the list of the user does not contain the webhook',
      () => set('contexts/1/users/10', enabledIds, 'shop'),
      { scope: 'user' },
      `${enabledIds}, set for the user, does not list crm`,
    ],
    [
      'no list contains the webhook',
      async () => {
        await api.send('DELETE', `/v1/config/contexts/1/users/10/properties/${enabledIds}`);
        await api.send('DELETE', `/v1/config/server/properties/${enabledIds}`);
      },
      { scope: 'default' },
      `${enabledIds} is not set, and it must list crm`,
    ],
  ])('reports that %s', async (_, change, origin, reason) => {
    await change();
    const denied = { isEnabled: false, decidedBy: { name: enabledIds, origin } };
    const sentence = `crm does not receive order through webhook, because ${reason}.`;
    expect((await explain(10, 'order')).targets).toMatchObject([{ ...denied, isReached: false, sentence }]);
    const { body } = await single();
    expect(body).toMatchObject(denied);
    expect(body.sentence).toContain(
      `order may not be sent to crm of user 10 in context 1 through webhook, because ${reason}.`,
    );
    expect(body.places.at(-1)).toMatchObject({ name: enabledIds, origin });
  });
});

async function explainSockets(user: number, client: string, topic = 'ox:mail:new'): Promise<Record<string, unknown>> {
  const of = `context=1&user=${user}&topic=${topic}&client=${client}&transport=websocket`;
  return (await api.send('GET', `/v1/config/explain?${of}`)).body;
}

describe('the explanation of the sockets of one client', () => {
  const enabled = 'com.openexchange.pns.transport.websocket.enabled';
  const may = (client: string, topic = 'ox:mail:new') =>
    `${topic} may be sent to ${client} of user 20 in context 1 through websocket, because ${enabled} is not set, and its default is true.`;

  beforeAll(async () => {
    for (const [client, connection] of [
      ['web', 'a'],
      ['web', 'b'],
      ['web', 'c'],
      ['other', 'd'],
      ['forgotten', 'e'],
    ] as const) {
      await openSocket(20, client, connection);
    }
    await closeSocket(opening(20, 'web', 'c'));
    await openSocket(21, 'web', 'f'); // a socket of another user
  });

  it('contains the number of sockets and the matching pattern', async () => {
    expect(await explainSockets(20, 'web')).toMatchObject({
      isEnabled: true,
      sentence: `${may('web')} The client has 2 open sockets, and 1 that may reconnect; ox:mail:* in websocket-clients.yml matches ox:mail:new.`,
      sockets: { open: 2, away: 1, topics: ['ox:mail:*'], matchedBy: 'ox:mail:*' },
      subscriptions: [],
      isComplete: true,
    });
  });

  it('contains the patterns when none of them matches', async () => {
    const answer = await explainSockets(20, 'other');
    expect(answer['sockets']).toEqual({ open: 1, away: 0, topics: ['ox:calendar:*'] });
    expect(answer['sentence']).toBe(
      `${may('other')} The client has 1 open socket; none of its topics in websocket-clients.yml (ox:calendar:*) matches ox:mail:new.`,
    );
  });

  it('reports a client without an entry, and a client without sockets', async () => {
    expect((await explainSockets(20, 'forgotten'))['sentence']).toBe(
      `${may('forgotten')} The client has 1 open socket; websocket-clients.yml names no client forgotten.`,
    );
    expect((await explainSockets(22, 'web'))['sentence']).toContain(' The client has no open socket; ox:mail:* ');
  });

  it('agrees with the explanation of the whole user', async () => {
    const { targets } = await explain(20);
    for (const client of ['web', 'other', 'forgotten']) {
      const { sockets, isEnabled, decidedBy } = await explainSockets(20, client);
      const { open, away, ...topics } = sockets as { open: number; away: number };
      const same = targets.find((target) => target.client === client);
      expect(same).toMatchObject({ isEnabled, decidedBy, sockets: { open, away }, ...topics });
    }
  });
});

it('reports that there are more subscriptions than it checks', async () => {
  const database = new Client({ connectionString: api.database.url });
  await database.connect();
  await database.query(
    `INSERT INTO subscriptions (id, context_id, user_id, client, transport, token, token_hash, topics)
     SELECT gen_random_uuid(), 1, 30, 'many', 'fcm', n::text, sha256(n::text::bytea), '{"*"}' FROM generate_series(1, 501) n`,
  );
  await database.end();
  const path = '/v1/config/explain?context=1&user=30&topic=ox:mail:new';
  const single = await api.send<{ subscriptions: object[] }>('GET', `${path}&client=many&transport=fcm`);
  expect(single.body).toMatchObject({
    isComplete: false,
    sentence: expect.stringContaining(
      'Of the oldest 500 subscriptions of the client for this transport, 500 match',
    ) as string,
  });
  expect(single.body.subscriptions).toHaveLength(500);
  const whole = await explain(30);
  expect(whole).toMatchObject({
    isComplete: false,
    sentence: expect.stringContaining('There are more subscriptions, which were not checked.') as string,
  });
});

it.each(['client=phone', 'transport=fcm'])('refuses %s alone', async (half) => {
  const { status, body } = await api.send('GET', `/v1/config/explain?context=1&user=5&topic=a&${half}`);
  expect([status, body['code']]).toEqual([400, 'QUERY_INVALID']);
  expect(body['detail']).toBe('client and transport must both be set, or neither of them.');
});
