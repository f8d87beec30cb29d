import { freshPrefix, testRedisUrl } from '@pns/local-servers';
import { connectRedis, KeySpace, type RedisClient } from '@pns/queue';
import type { Delivery } from '@pns/transport-contract';
import { awayMs, awayNode, Presence, type SocketKey } from './presence';

const user = { context: 1, user: 14 };
const client = 'open-xchange-appsuite';

let redis: RedisClient;
let prefix: string;
let presence: Presence;
let now: number;
let dead: string[];

beforeEach(() => {
  redis = connectRedis(testRedisUrl());
  now = 1_700_000_000_000;
  dead = [];
  prefix = freshPrefix();
  presence = new Presence(redis, new KeySpace(4, prefix), { dead: () => Promise.resolve(dead) }, () => now);
});
afterEach(() => redis.disconnect());

function socket(connection: string, more: Partial<SocketKey> = {}): SocketKey {
  return { ...user, client, connection, isAnonymous: false, ...more };
}

function delivery(id: string, more: Partial<Delivery> = {}): Delivery {
  return {
    id,
    notificationId: `n-${id}`,
    ...user,
    client,
    transport: 'websocket',
    token: 'a',
    topic: 'ox:mail:new',
    payload: { folder: 'default0/INBOX', list: [], nothing: {} },
    priority: 'high',
    count: 1,
    timestamp: now,
    dueAt: now,
    attempt: 1,
    ...more,
  };
}

const open = async (connection: string, node = 'a', more: Partial<SocketKey> = {}) =>
  presence.open(socket(connection, more), node, 8);
const groups = async () => (await presence.openSockets([user]))[0];
const nothingMissed = { deliveries: [], hasGap: false };

describe('open sockets', () => {
  it('are told by node and client, for many users at once', async () => {
    await open('1', 'a');
    await open('2', 'a');
    await open('3', 'b');
    await open('4', 'b', { client: 'other' });
    await presence.open(socket('1', { user: 15 }), 'c', 8);
    const asked = [user, { context: 2, user: 14 }, { context: 1, user: 15 }];
    const [mine, none, other] = await presence.openSockets(asked);
    expect(mine?.map((group) => ({ ...group, connections: group.connections.sort() }))).toEqual(
      expect.arrayContaining([
        { node: 'a', client, connections: ['1', '2'] },
        { node: 'b', client, connections: ['3'] },
        { node: 'b', client: 'other', connections: ['4'] },
      ]),
    );
    expect(mine).toHaveLength(3);
    expect(none).toEqual([]);
    expect(other).toEqual([{ node: 'c', client, connections: ['1'] }]);
    await expect(presence.openSockets([])).resolves.toEqual([]);
  });

  it('have ids of their own, whichever node and client', async () => {
    await expect(open('1', 'a')).resolves.toEqual({ kind: 'open', missed: nothingMissed });
    await expect(open('1', 'a')).resolves.toEqual({ kind: 'duplicate' });
    await expect(open('1', 'b', { client: 'other' })).resolves.toEqual({ kind: 'duplicate' });
    await expect(open('1', 'b', { user: 15 })).resolves.toMatchObject({ kind: 'open' });
    await expect(open('1', 'b', { context: 2 })).resolves.toMatchObject({ kind: 'open' });
  });

  it('are no more than allowed, however many open at once', async () => {
    const openings = await Promise.all(
      Array.from({ length: 20 }, (_, index) => presence.open(socket(`${index}`), index % 2 ? 'a' : 'b', 8)),
    );
    expect(openings.filter(({ kind }) => kind === 'open')).toHaveLength(8);
    expect(openings.filter(({ kind }) => kind === 'full')).toHaveLength(12);
  });

  it('make room when they close', async () => {
    await presence.open(socket('1'), 'a', 1);
    await expect(presence.open(socket('2'), 'a', 1)).resolves.toEqual({ kind: 'full' });
    await presence.close(socket('1'), 'a');
    await expect(presence.open(socket('2'), 'a', 1)).resolves.toMatchObject({ kind: 'open' });
  });

  it('live for a minute without being kept', async () => {
    await open('1');
    now += 59_999;
    await expect(open('1', 'b')).resolves.toEqual({ kind: 'duplicate' });
    await expect(presence.keep([socket('1')], 'a')).resolves.toEqual([{ kind: 'kept' }]);
    now += 59_999;
    await expect(groups()).resolves.toEqual([{ node: 'a', client, connections: ['1'] }]);
    now += 1;
    await expect(groups()).resolves.toEqual([{ node: awayNode, client, connections: ['1'] }]);
    await expect(open('1', 'b')).resolves.toMatchObject({ kind: 'open' });
  });

  it('of a dead node are away at once', async () => {
    await open('1', 'a');
    dead = ['a'];
    await expect(groups()).resolves.toEqual([{ node: awayNode, client, connections: ['1'] }]);
    await expect(open('1', 'b')).resolves.toMatchObject({ kind: 'open', awaySince: now });
  });

  it('leave no trace in Redis for longer than they can matter', async () => {
    await open('1');
    await presence.close(socket('1'), 'a');
    await presence.park(delivery('d'));
    const keys = await redis.keys(`*${prefix}*:1:14`);
    for (const key of keys) expect(await redis.pttl(key)).toBeGreaterThan(0);
    now += awayMs;
    await expect(groups()).resolves.toEqual([]);
  });
});

describe('keeping', () => {
  it('restores what Redis lost', async () => {
    await expect(presence.keep([socket('1'), socket('2', { user: 15 })], 'a')).resolves.toEqual([
      { kind: 'kept' },
      { kind: 'kept' },
    ]);
    await expect(groups()).resolves.toEqual([{ node: 'a', client, connections: ['1'] }]);
  });

  it('tells a node that another one holds the id', async () => {
    await open('1', 'a');
    dead = ['a'];
    await open('1', 'b');
    dead = [];
    await expect(presence.keep([socket('1'), socket('2')], 'a')).resolves.toEqual([
      { kind: 'taken' },
      { kind: 'kept' },
    ]);
    await presence.close(socket('1'), 'a'); // not a's any more
    await expect(groups()).resolves.toContainEqual({ node: 'b', client, connections: ['1'] });
  });

  it.each([
    ['was out of reach for a minute', () => (now += 61_000), false],
    ['was taken for dead', () => (dead = ['a']), true],
  ])('gives the sockets of a node that %s what waited for them', async (_, part, wasDead) => {
    await open('1', 'a');
    part();
    await expect(presence.park(delivery('d'))).resolves.toEqual({ waiting: 'parked', back: [] });
    dead = [];
    const missed = { deliveries: [delivery('d')], hasGap: false };
    await expect(presence.keep([socket('1')], 'a', wasDead)).resolves.toEqual([{ kind: 'back', missed }]);
    await expect(presence.settle(delivery('d'))).resolves.toBe(true);
    await expect(presence.keep([socket('1')], 'a')).resolves.toEqual([{ kind: 'kept' }]);
  });

  it.each([
    ['died since', () => Promise.resolve((dead = ['b']))],
    ['said that it went', () => presence.close(socket('1'), 'b')],
  ])('tells a socket whose id another node held, and %s, that it may have missed something', async (_, end) => {
    await open('1', 'a');
    dead = ['a'];
    await open('1', 'b');
    dead = [];
    await end();
    const missed = { deliveries: [], hasGap: true };
    await expect(presence.keep([socket('1')], 'a')).resolves.toEqual([{ kind: 'back', missed }]);
  });
});

describe('a socket that comes back', () => {
  it('gets what waited for it, as it was', async () => {
    await open('1', 'a');
    now += 1000;
    await presence.close(socket('1'), 'a');
    now += 1000;
    await presence.park(delivery('d'));
    await presence.park(delivery('e', { payload: { text: 'ä|1|"\n', number: 1.5e300 } }));
    now += 1000;
    await expect(open('1', 'b')).resolves.toEqual({
      kind: 'open',
      awaySince: 1_700_000_001_000,
      missed: {
        deliveries: [
          delivery('d', { timestamp: now - 1000, dueAt: now - 1000 }),
          delivery('e', {
            timestamp: now - 1000,
            dueAt: now - 1000,
            payload: { text: 'ä|1|"\n', number: 1.5e300 },
          }),
        ],
        hasGap: false,
      },
    });
  });

  const anonymous = { isAnonymous: true };
  it.each<[string, () => Promise<unknown>, string[]]>([
    ['with its id', () => open('1', 'b'), ['d']],
    ['with another id', () => open('2', 'b'), []],
    ['without an id, when it had one', () => open('made-up', 'b', anonymous), []],
    ['as another client', () => open('1', 'b', { client: 'other' }), []],
    ['as another user', () => presence.open(socket('1', { user: 15 }), 'b', 8), []],
    ['too late', () => ((now += awayMs), open('1', 'b')), []],
    ['in time', () => ((now += awayMs - 1), open('1', 'b')), ['d']],
    [
      'after it came back before',
      async () => (await open('1'), now++, await presence.close(socket('1'), 'a'), open('1')),
      [],
    ],
  ])('%s gets what is its own', async (_, comeBack, ids) => {
    await open('1', 'a');
    await presence.close(socket('1'), 'a');
    await presence.park(delivery('d'));
    const opening = (await comeBack()) as { missed: { deliveries: Delivery[] } };
    expect(opening.missed.deliveries.map(({ id }) => id)).toEqual(ids);
  });

  it('without an id of its own is known by having none', async () => {
    await open('made-up-1', 'a', anonymous);
    await presence.close(socket('made-up-1', anonymous), 'a');
    await presence.park(delivery('d'));
    await expect(open('made-up-2', 'b', anonymous)).resolves.toMatchObject({ missed: { deliveries: [{ id: 'd' }] } });
    await expect(open('made-up-3', 'b', anonymous)).resolves.toMatchObject({ missed: nothingMissed });
  });

  it('without an id of its own is not waited for while another one listens', async () => {
    await open('made-up-1', 'a', anonymous);
    await open('made-up-2', 'a', anonymous);
    await open('chosen', 'a');
    await presence.close(socket('made-up-1', anonymous), 'a');
    await presence.close(socket('chosen'), 'a');
    expect((await groups())?.flatMap(({ connections }) => connections).sort()).toEqual(['chosen', 'made-up-2']);
    await presence.park(delivery('d', { dueAt: now + 1 }));
    await expect(open('made-up-3', 'b', anonymous)).resolves.toMatchObject({ missed: nothingMissed });
    await expect(open('chosen', 'b')).resolves.toMatchObject({ missed: { deliveries: [{ id: 'd' }] } });
  });

  it('without an id of its own gets nothing that was sent when another one listened, though that one went since', async () => {
    await open('made-up-1', 'a', anonymous);
    await open('made-up-2', 'a', anonymous);
    await open('chosen', 'a');
    await presence.close(socket('made-up-1', anonymous), 'a');
    await presence.close(socket('chosen'), 'a');
    const away = (await groups())?.find(({ node }) => node === awayNode);
    await presence.close(socket('made-up-2', anonymous), 'a');
    await presence.park(delivery('d'), away?.namedOnly);
    await expect(open('made-up-3', 'b', anonymous)).resolves.toMatchObject({ missed: nothingMissed });
    await expect(open('chosen', 'b')).resolves.toMatchObject({ missed: { deliveries: [{ id: 'd' }] } });
  });

  it('gets nothing that it caused, and nothing from before it went', async () => {
    await open('0', 'a');
    await presence.close(socket('0'), 'a');
    await open('1', 'a');
    await presence.park(delivery('before'));
    now += 1;
    await presence.close(socket('1'), 'a');
    await presence.park(delivery('own', { sourceToken: '1' }));
    await expect(open('1')).resolves.toMatchObject({ missed: nothingMissed });
    await expect(open('0')).resolves.toMatchObject({ missed: { deliveries: [{ id: 'before' }, { id: 'own' }] } });
  });

  it('and goes before it got anything is away since it went first', async () => {
    await open('1', 'a');
    await presence.close(socket('1'), 'a');
    const awaySince = now;
    now += 1000;
    await presence.park(delivery('d'));
    await open('1', 'a');
    await presence.close(socket('1'), 'a', { awaySince });
    await expect(open('1', 'a')).resolves.toMatchObject({ awaySince, missed: { deliveries: [{ id: 'd' }] } });
  });

  it('is told that it may have missed something', async () => {
    await open('1', 'a');
    await presence.close(socket('1'), 'a', { hasGap: true });
    await expect(open('1', 'a')).resolves.toMatchObject({ missed: { hasGap: true } });
    await presence.close(socket('1'), 'a');
    await expect(open('1', 'a')).resolves.toMatchObject({ missed: { hasGap: false } });
  });

  it.each([
    ['died', () => (dead = ['a'])],
    ['was out of reach for a minute', () => (now += 60_000)],
  ])('is told that it may have missed something when its node %s, with or without an id', async (_, part) => {
    await open('1', 'a');
    await open('made-up-1', 'a', anonymous);
    part();
    await expect(open('1', 'b')).resolves.toMatchObject({ missed: { hasGap: true } });
    await expect(open('made-up-2', 'b', anonymous)).resolves.toMatchObject({ missed: { hasGap: true } });
    await expect(open('made-up-3', 'b', anonymous)).resolves.toMatchObject({ missed: { hasGap: false } });
  });
});

describe('a delivery that is given up', () => {
  const told = async (...connections: string[]): Promise<string[]> => {
    const openings = await Promise.all(connections.map((connection) => open(connection, 'b')));
    return connections.filter((_, index) => {
      const opening = openings[index];
      return opening?.kind === 'open' && opening.missed.hasGap;
    });
  };

  it.each([
    ['no connection id, those whom it was for', undefined, ['1', '2']],
    ['a connection id, the one that has it', '2', ['2']],
  ])('with %s, are told when they come back, once', async (_, connection, expected) => {
    for (const id of ['source', '1', '2']) await open(id, 'a');
    await open('other', 'a', { client: 'other' });
    for (const id of ['source', '1', '2']) await presence.close(socket(id), 'a');
    await presence.close(socket('other', { client: 'other' }), 'a');
    await presence.miss(delivery('d', { sourceToken: 'source' }), connection);
    await expect(open('other', 'b', { client: 'other' })).resolves.toMatchObject({ missed: nothingMissed });
    await expect(told('source', '1', '2')).resolves.toEqual(expected);
    for (const id of ['source', '1', '2']) await presence.close(socket(id), 'b');
    await expect(told('source', '1', '2')).resolves.toEqual([]);
  });

  it('is told of to who came back without an id of its own, whatever its id was', async () => {
    await open('made-up-2', 'a', { isAnonymous: true });
    await presence.close(socket('made-up-2', { isAnonymous: true }), 'a');
    await presence.miss(delivery('d'), 'made-up-1');
    await expect(open('made-up-3', 'a', { isAnonymous: true })).resolves.toMatchObject({ missed: { hasGap: true } });
  });

  it('is told of to sockets that opened since it was due when they are kept next, once, and to no other', async () => {
    await open('1', 'a');
    now += 1;
    const late = delivery('d');
    await open('2', 'a');
    await presence.miss(late);
    const back = { kind: 'back', missed: { deliveries: [], hasGap: true } };
    await expect(presence.keep([socket('1'), socket('2')], 'a')).resolves.toEqual([{ kind: 'kept' }, back]);
    await expect(presence.keep([socket('2')], 'a')).resolves.toEqual([{ kind: 'kept' }]);
  });

  it('is told of to a socket that goes before it is kept when it comes back', async () => {
    await open('1', 'a');
    await presence.miss(delivery('d'));
    await presence.close(socket('1'), 'a');
    await expect(told('1')).resolves.toEqual(['1']);
  });
});

describe('a delivery without its socket', () => {
  it('goes to nobody when nobody may come back', async () => {
    await expect(presence.park(delivery('d'))).resolves.toEqual({ waiting: 'nobody', back: [] });
    await open('1', 'a', { client: 'other' });
    await presence.close(socket('1', { client: 'other' }), 'a');
    await expect(presence.park(delivery('d'))).resolves.toEqual({ waiting: 'nobody', back: [] });
    await open('2', 'a');
    await presence.close(socket('2'), 'a');
    await expect(presence.park(delivery('d', { sourceToken: '2' }))).resolves.toEqual({ waiting: 'nobody', back: [] });
  });

  it('goes to sockets that opened since it was due, and to no other', async () => {
    await open('1', 'a');
    now += 1;
    const late = delivery('d');
    await open('2', 'b');
    await open('3', 'c');
    await presence.close(socket('3'), 'c');
    const back = [{ node: 'b', connection: '2' }];
    await expect(presence.park(late)).resolves.toEqual({ waiting: 'parked', back });
    await expect(presence.park({ ...late, sourceToken: '2' })).resolves.toEqual({ waiting: 'parked', back: [] });
  });

  it('waits once, and settles as taken or not', async () => {
    await open('1', 'a');
    await presence.close(socket('1'), 'a');
    await presence.park(delivery('d'));
    await presence.park(delivery('d'));
    await presence.park(delivery('e'));
    await expect(presence.settle(delivery('e'))).resolves.toBe(false);
    await expect(open('1')).resolves.toMatchObject({ missed: { deliveries: [{ id: 'd' }] } });
    await expect(presence.settle(delivery('d'))).resolves.toBe(true);
    await expect(presence.settle(delivery('d'))).resolves.toBe(false);
  });

  it('does not wait when a hundred do, and who comes back is told', async () => {
    await open('1', 'a');
    await presence.close(socket('1'), 'a');
    for (let count = 0; count < 100; count++) {
      await expect(presence.park(delivery(`d${count}`))).resolves.toMatchObject({ waiting: 'parked' });
    }
    await expect(presence.park(delivery('e'))).resolves.toEqual({ waiting: 'full', back: [] });
    const opening = await open('1', 'a');
    expect(opening).toMatchObject({ missed: { hasGap: true } });
    expect(opening.kind === 'open' && opening.missed.deliveries).toHaveLength(100);
  });

  it('does not wait when half a MiB does', async () => {
    await open('1', 'a');
    await presence.close(socket('1'), 'a');
    const large = { payload: { text: 'x'.repeat(60_000) } };
    const parked = await Promise.all(
      Array.from({ length: 12 }, (_, index) => presence.park(delivery(`${index}`, large))),
    );
    expect(parked.filter(({ waiting }) => waiting === 'parked')).toHaveLength(8);
  });

  it('makes room for others when its time is over', async () => {
    await open('1', 'a');
    await presence.close(socket('1'), 'a');
    for (let count = 0; count < 100; count++) await presence.park(delivery(`d${count}`));
    now += awayMs;
    await open('1', 'a');
    await presence.close(socket('1'), 'a');
    await expect(presence.park(delivery('e'))).resolves.toMatchObject({ waiting: 'parked' });
  });
});
