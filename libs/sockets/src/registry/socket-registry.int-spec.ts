import { parkedMs, knownMs } from './socket-rules';
import { parkedNode } from '@pns/delivery';
import { client, user, UserSockets } from '../testing/user-sockets';

let sockets: UserSockets;

beforeEach(() => (sockets = new UserSockets()));
afterEach(() => sockets.redis.disconnect());

const anonymous = { isAnonymous: true };
const isNew = { kind: 'open', isBehind: false };

describe('open sockets', () => {
  it('are returned by node and client, for many users at once', async () => {
    await sockets.open('1', 'a');
    await sockets.open('2', 'a');
    await sockets.open('3', 'b');
    await sockets.open('4', 'b', { client: 'other' });
    await sockets.open('1', 'c', { user: 15 });
    const asked = [user, { context: 2, user: 14 }, { context: 1, user: 15 }];
    const [mine, none, other] = await sockets.registry.socketsOf(asked);
    const lookedAt = expect.any(Number) as number;
    expect(mine?.map((group) => ({ ...group, connections: group.connections.toSorted() }))).toEqual(
      expect.arrayContaining([
        { node: 'a', client, connections: ['1', '2'], lookedAt },
        { node: 'b', client, connections: ['3'], lookedAt },
        { node: 'b', client: 'other', connections: ['4'], lookedAt },
      ]),
    );
    expect(mine).toHaveLength(3);
    expect(none).toEqual([]);
    expect(other).toEqual([{ node: 'c', client, connections: ['1'], lookedAt }]);
    await expect(sockets.registry.socketsOf([])).resolves.toEqual([]);
  });

  it('have ids that no other session can use, on any node and for any client', async () => {
    await expect(sockets.open('1', 'a')).resolves.toEqual(isNew);
    const other = { session: 'another' };
    await expect(sockets.open('1', 'a', other)).resolves.toEqual({ kind: 'duplicate' });
    await expect(sockets.open('1', 'b', other)).resolves.toEqual({ kind: 'duplicate' });
    await expect(sockets.open('1', 'b', { client: 'other' })).resolves.toEqual({ kind: 'duplicate' });
    await expect(sockets.open('1', 'b', { ...other, user: 15 })).resolves.toEqual(isNew);
    await expect(sockets.open('1', 'b', { ...other, context: 2 })).resolves.toEqual(isNew);
  });

  it('are no more than allowed, however many open at once', async () => {
    const openings = await Promise.all(
      Array.from({ length: 20 }, (_, index) => sockets.open(`${index}`, index % 2 ? 'a' : 'b')),
    );
    expect(openings.filter(({ kind }) => kind === 'open')).toHaveLength(8);
    expect(openings.filter(({ kind }) => kind === 'full')).toHaveLength(12);
  });

  it('make room when they close', async () => {
    await sockets.open('1', 'a', {}, 1);
    await expect(sockets.open('2', 'a', {}, 1)).resolves.toEqual({ kind: 'full' });
    await sockets.close('1');
    await expect(sockets.open('2', 'a', {}, 1)).resolves.toEqual(isNew);
  });

  it('live for a minute without a renewal', async () => {
    await sockets.open('1');
    sockets.now += 59_999;
    await expect(sockets.open('1', 'b', { session: 'another' })).resolves.toEqual({ kind: 'duplicate' });
    await expect(sockets.renew('1', 'a')).resolves.toBe('renewed');
    sockets.now += 59_999;
    await expect(sockets.groups()).resolves.toEqual([{ node: 'a', client, connections: ['1'] }]);
    sockets.now += 1;
    await expect(sockets.groups()).resolves.toEqual([{ node: parkedNode, client, connections: ['1'] }]);
    await expect(sockets.open('1', 'b', { session: 'another' })).resolves.toMatchObject({ kind: 'open' });
  });

  it('of a dead node are parked at once', async () => {
    await sockets.open('1', 'a');
    sockets.dead = ['a'];
    await expect(sockets.groups()).resolves.toEqual([{ node: parkedNode, client, connections: ['1'] }]);
    const opened = { kind: 'open', isBehind: true, deadNode: 'a' };
    await expect(sockets.open('1', 'b', { session: 'another' })).resolves.toEqual(opened);
  });

  it('leave nothing in Redis after four minutes', async () => {
    await sockets.open('1');
    await sockets.close('1');
    const waiting = sockets.delivery('d');
    await sockets.park(waiting);
    const keys = await sockets.redis.keys(`*${sockets.prefix}*:1:14`);
    expect(keys).toHaveLength(3);
    for (const key of keys) expect(await sockets.redis.pttl(key)).toBeGreaterThan(0);
    sockets.now += parkedMs + 1;
    await expect(sockets.groups()).resolves.toEqual([]);
    sockets.now += knownMs;
    await sockets.open('2');
    await sockets.mailboxes.settle(waiting);
    const left = await sockets.redis.keys(`*${sockets.prefix}*:1:14`);
    expect(left.filter((key) => key.includes(':mail'))).toEqual([]);
  });

  it('that open and close without end have entries and mailboxes for the newest only', async () => {
    for (let number = 0; number < 100; number++) {
      await sockets.open(`${number}`);
      await sockets.close(`${number}`);
      await sockets.park(sockets.delivery(`d${number}`));
      sockets.now += 1;
    }
    const [away] = await sockets.groups();
    expect(away?.connections.length).toBeLessThanOrEqual(33);
    await expect(sockets.comeBack('99')).resolves.toMatchObject({ ids: ['d99'] });
    await expect(sockets.comeBack('10')).resolves.toMatchObject({ ids: [] });
    const [mailbox] = await sockets.redis.keys(`*${sockets.prefix}*:mailbox:1:14`);
    const kept = (await sockets.redis.hvals(mailbox!)).filter((value) => value.includes('payload'));
    expect(kept.length).toBeLessThanOrEqual(34);
  });
});

it('opening and closing a socket happens before or after each read of the registry, also within one ms', async () => {
  const looks: number[] = [];
  const look = async () => looks.push((await sockets.registry.socketsOf([user]))[0]?.[0]?.lookedAt ?? 0);
  const order: string[] = [];
  for (let round = 0; round < 20; round++) {
    await sockets.open('1', 'a');
    await look();
    const [seen] = looks.slice(-1);
    const toNode = sockets.delivery(`n${round}`, { token: 'a', lookedAt: seen });
    await sockets.close('1');
    await look();
    const [seenAway] = looks.slice(-1);
    const toAway = sockets.delivery(`w${round}`, { lookedAt: seenAway });
    await sockets.park(toNode);
    await sockets.park(toAway);
    order.push(toNode.id, toAway.id);
  }
  expect(looks).toEqual([...looks].sort((a, b) => a - b));
  await expect(sockets.comeBack('1')).resolves.toEqual({ ids: order, hasGap: false });
});

describe('a renewal', () => {
  it('restores what Redis lost', async () => {
    const [one, two] = [sockets.socket('1'), sockets.socket('2', { user: 15 })];
    await expect(sockets.registry.renew([one, two], 'a')).resolves.toEqual(['renewed', 'renewed']);
    await expect(sockets.groups()).resolves.toEqual([{ node: 'a', client, connections: ['1'] }]);
  });

  it('informs a node that another opening has the id, also one at the same node', async () => {
    await sockets.open('1', 'a');
    const first = sockets.opening('1');
    await sockets.open('1', 'b');
    await expect(sockets.registry.renew([first, sockets.socket('2')], 'a')).resolves.toEqual(['taken', 'renewed']);
    await sockets.mailboxes.close(first, 'a', { deliveries: [], hasGap: false }, { maxNotifications: 1, maxBytes: 1 });
    await expect(sockets.groups()).resolves.toContainEqual({ node: 'b', client, connections: ['1'] });
    const second = sockets.opening('1');
    await sockets.open('1', 'b');
    await expect(sockets.registry.renew([second], 'b')).resolves.toEqual(['taken']);
    await expect(sockets.renew('1', 'b')).resolves.toBe('renewed');
  });

  it.each([
    ['was out of reach for a minute', () => (sockets.now += 61_000), false],
    ['was taken for dead', () => (sockets.dead = ['a']), true],
  ])('sends the sockets of a node that %s their waiting deliveries', async (_, part, wasDead) => {
    await sockets.open('1', 'a');
    part();
    const waiting = sockets.delivery('d');
    await expect(sockets.park(waiting)).resolves.toEqual({ kind: 'parked', back: [] });
    sockets.dead = [];
    await expect(sockets.renew('1', 'a', wasDead)).resolves.toBe('back');
    await expect(sockets.collect('1')).resolves.toEqual({ ids: ['d'], hasGap: false });
    await expect(sockets.mailboxes.settle(waiting)).resolves.toEqual({ kind: 'given' });
    await expect(sockets.renew('1', 'a')).resolves.toBe('renewed');
  });

  it.each([
    ['died since', () => Promise.resolve(void (sockets.dead = ['b']))],
    ['said that it closed', () => sockets.close('1')],
  ])('informs a socket whose id another node held, and %s, that it may have missed notifications', async (_, end) => {
    await sockets.open('1', 'a');
    const first = sockets.opening('1');
    await sockets.open('1', 'b');
    await end();
    await expect(sockets.registry.renew([first], 'a')).resolves.toEqual(['back']);
    await expect(sockets.mailboxes.collect(first, 'a', true)).resolves.toMatchObject({ missed: { hasGap: true } });
  });

  it('after more than two minutes informs the client that it missed notifications', async () => {
    await sockets.open('1', 'a');
    sockets.dead = ['a'];
    await sockets.park(sockets.delivery('d'));
    sockets.now += parkedMs;
    sockets.dead = [];
    await expect(sockets.renew('1', 'a', true)).resolves.toBe('back');
    await expect(sockets.collect('1')).resolves.toEqual({ ids: [], hasGap: true });
  });
});

describe('the same session under the same id', () => {
  it.each([
    ['at another node', 'b'],
    ['at the same node', 'a'],
  ])('takes over %s at once', async (_, node) => {
    await sockets.open('1', 'a');
    const { opening } = sockets.opening('1');
    await expect(sockets.open('1', node)).resolves.toEqual({
      kind: 'open',
      isBehind: true,
      takenFrom: { node: 'a', opening },
    });
    await expect(sockets.groups()).resolves.toEqual([{ node, client, connections: ['1'] }]);
  });

  it('takes over when the user has as many sockets as allowed', async () => {
    await sockets.open('1', 'a', {}, 1);
    await expect(sockets.open('1', 'b', {}, 1)).resolves.toMatchObject({ kind: 'open' });
  });

  it('does not take over a socket of another client, nor one that an older version opened', async () => {
    await sockets.open('1', 'a');
    await expect(sockets.open('1', 'b', { client: 'other' })).resolves.toEqual({ kind: 'duplicate' });
    const [key] = await sockets.redis.keys(`*${sockets.prefix}*:sockets:1:14`);
    const old = { n: 'a', c: client, o: sockets.now, s: sockets.now };
    await sockets.redis.hset(key!, 'old', JSON.stringify(old));
    await expect(sockets.open('old', 'b')).resolves.toEqual({ kind: 'duplicate' });
  });

  it('waits for the unconfirmed deliveries of its client, and receives them first', async () => {
    await sockets.open('1', 'a');
    const first = sockets.opening('1');
    const [sent, later] = [sockets.delivery('sent'), sockets.delivery('later', { token: 'a' })];
    sockets.now += 1;
    await sockets.open('1', 'b');
    await expect(sockets.collect('1')).resolves.toBe('wait');
    // The delivery was on its way to the node where the socket was.
    await expect(sockets.park(later)).resolves.toEqual({ kind: 'parked', back: [] });
    const unconfirmed = { deliveries: [sent], hasGap: false };
    await expect(
      sockets.mailboxes.close(first, 'a', unconfirmed, { maxNotifications: 10, maxBytes: 1000 }),
    ).resolves.toBeUndefined();
    await expect(sockets.collect('1')).resolves.toEqual({ ids: ['sent', 'later'], hasGap: false });
  });

  it('is informed that it may have missed a delivery that its former node does not return, and the delivery is then forwarded', async () => {
    await sockets.open('1', 'a');
    const first = sockets.opening('1');
    await sockets.open('1', 'b');
    await expect(sockets.collect('1', true)).resolves.toEqual({ ids: [], hasGap: true });
    const unconfirmed = { deliveries: [sockets.delivery('sent')], hasGap: false };
    const most = { maxNotifications: 10, maxBytes: 1000 };
    await expect(sockets.mailboxes.close(first, 'a', unconfirmed, most)).resolves.toBe('b');
  });

  it('may take over a socket that has not collected its mailbox yet, and receives that too', async () => {
    await sockets.open('1', 'a');
    await sockets.close('1');
    await sockets.park(sockets.delivery('d'));
    await sockets.open('1', 'b');
    await sockets.open('1', 'c');
    await expect(sockets.collect('1', true)).resolves.toMatchObject({ ids: ['d'] });
  });
});

describe('a socket of a dead node', () => {
  it.each([
    ['died', () => (sockets.dead = ['a'])],
    ['was out of reach for a minute', () => (sockets.now += 60_000)],
  ])('is informed that it may have missed notifications when its node %s, with or without an id', async (_, part) => {
    await sockets.open('1', 'a');
    await sockets.open('made-up-1', 'a', anonymous);
    part();
    await expect(sockets.comeBack('1')).resolves.toMatchObject({ hasGap: true });
    await expect(sockets.comeBack('made-up-2', 'b', anonymous)).resolves.toMatchObject({ hasGap: true });
    await expect(sockets.comeBack('made-up-3', 'b', anonymous)).resolves.toMatchObject({ hasGap: false });
  });
});
