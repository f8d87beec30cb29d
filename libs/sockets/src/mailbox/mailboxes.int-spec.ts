import fc from 'fast-check';
import { parkedMs, knownMs } from '../registry/socket-rules';
import { UserSockets } from '../testing/user-sockets';

let sockets: UserSockets;

beforeEach(() => (sockets = new UserSockets()));
afterEach(() => sockets.redis.disconnect());

const anonymous = { isAnonymous: true };
const nothing = { ids: [], hasGap: false };

/** Opens a socket at node a, and closes it. */
async function away(connection = '1', more: object = {}): Promise<void> {
  await sockets.open(connection, 'a', more);
  sockets.now += 1;
  await sockets.close(connection);
  sockets.now += 1;
}

describe('a socket that comes back', () => {
  it('receives its parked deliveries unchanged', async () => {
    await away();
    const one = sockets.delivery('d', { payload: { text: 'ä|1|"\n', number: 1.5e300, list: [], nothing: {} } });
    await sockets.park(one);
    await sockets.open('1', 'b');
    await expect(sockets.mailboxes.collect(sockets.opening('1'), 'b', false)).resolves.toEqual({
      kind: 'collected',
      missed: { deliveries: [one], hasGap: false },
    });
  });

  it.each<[string, () => Promise<unknown>, string[]]>([
    ['with its id', () => sockets.comeBack('1'), ['d']],
    ['with another id', () => sockets.comeBack('2'), []],
    ['without an id, when it had one', () => sockets.comeBack('made-up', 'b', anonymous), []],
    ['as another client', () => sockets.comeBack('1', 'b', { client: 'other' }), []],
    ['as another user', () => sockets.comeBack('1', 'b', { user: 15 }), []],
    ['in another session', () => sockets.comeBack('1', 'b', { session: 'another' }), ['d']],
    ['in time', () => ((sockets.now += parkedMs - 2), sockets.comeBack('1')), ['d']],
    ['too late', () => ((sockets.now += parkedMs), sockets.comeBack('1')), []],
    [
      'after it came back before',
      async () => (await sockets.comeBack('1'), await sockets.close('1'), sockets.comeBack('1')),
      [],
    ],
  ])('%s receives its own deliveries', async (_, comeBack, ids) => {
    await away();
    await sockets.park(sockets.delivery('d'));
    await expect(comeBack()).resolves.toMatchObject({ ids });
  });

  it('without a connection id is recognized as the anonymous socket', async () => {
    await away('made-up-1', anonymous);
    await sockets.park(sockets.delivery('d'));
    await expect(sockets.comeBack('made-up-2', 'b', anonymous)).resolves.toMatchObject({ ids: ['d'] });
    await expect(sockets.comeBack('made-up-3', 'b', anonymous)).resolves.toEqual(nothing);
  });

  it('without a connection id is not parked while another socket is open', async () => {
    await away('made-up-1', anonymous);
    await away('chosen');
    await sockets.open('made-up-2', 'a', anonymous);
    expect((await sockets.groups()).flatMap(({ connections }) => connections).sort()).toEqual(['chosen', 'made-up-2']);
    await sockets.park(sockets.delivery('d'));
    await expect(sockets.comeBack('made-up-3', 'b', anonymous)).resolves.toEqual(nothing);
    await expect(sockets.comeBack('chosen')).resolves.toMatchObject({ ids: ['d'] });
  });

  it('without a connection id receives nothing that was sent while another socket was open, also if that socket has closed', async () => {
    await away('made-up-1', anonymous);
    await away('chosen');
    await sockets.open('made-up-2', 'a', anonymous);
    expect((await sockets.groups()).find(({ node }) => node === '-')?.namedOnly).toBe(true);
    await sockets.close('made-up-2');
    await sockets.park(sockets.delivery('d', { token: '- find named' }));
    await expect(sockets.comeBack('made-up-3', 'b', anonymous)).resolves.toEqual(nothing);
    await expect(sockets.comeBack('chosen')).resolves.toMatchObject({ ids: ['d'] });
  });

  it('receives nothing that it caused, and nothing from before it closed', async () => {
    await away('0');
    await sockets.open('1', 'a');
    const before = sockets.delivery('before');
    sockets.now += 1;
    await sockets.close('1');
    await sockets.park(before);
    sockets.now += 1;
    await sockets.park(sockets.delivery('own', { sourceToken: '1' }));
    await expect(sockets.comeBack('1')).resolves.toEqual(nothing);
    await expect(sockets.comeBack('0')).resolves.toEqual({ ids: ['before', 'own'], hasGap: false });
  });

  it('receives everything in the order of acceptance', async () => {
    const accepted = Array.from({ length: 20 }, (_, index) => ({
      dueAt: sockets.now - 1000 + Math.floor(index / 5),
      order: 1_000 + index,
    }));
    const numbers = accepted.map((_, index) => index);
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(numbers, { minLength: 20 }), fc.nat(20), async (shuffled, split) => {
        await away();
        const deliveries = shuffled.map((number) => sockets.delivery(`${number}`, accepted[number]));
        await sockets.close('1', { deliveries: deliveries.slice(0, split) });
        await sockets.mailboxes.park(
          deliveries.slice(split).map((delivery) => ({ delivery })),
          () => ({ maxNotifications: 20, maxBytes: 9_999 }),
        );
        await expect(sockets.comeBack('1')).resolves.toEqual({ ids: numbers.map(String), hasGap: false });
      }),
      { numRuns: 20 },
    );
  });

  it('and closes before it has collected anything receives everything the next time, however often it closes', async () => {
    await away();
    await sockets.park(sockets.delivery('d'));
    for (let round = 0; round < 10; round++) {
      const node = `n${round}`;
      await sockets.open('1', node);
      const live = sockets.delivery(`live ${round}`, { token: node });
      const early = sockets.delivery(`early ${round}`, { token: node });
      sockets.now += 1;
      await sockets.close('1', { deliveries: [early] });
      await sockets.park(live); // the delivery was still in the queue of that node
      sockets.now += 1;
      await sockets.park(sockets.delivery(`away ${round}`));
      await sockets.park(live);
    }
    const rounds = Array.from({ length: 10 }, (_, round) => [`live ${round}`, `early ${round}`, `away ${round}`]);
    await expect(sockets.comeBack('1')).resolves.toEqual({ ids: ['d', ...rounds.flat()], hasGap: false });
  });

  it('is informed that it may have missed notifications', async () => {
    await sockets.open('1', 'a');
    await sockets.close('1', { hasGap: true });
    await expect(sockets.comeBack('1')).resolves.toEqual({ ids: [], hasGap: true });
    await sockets.close('1');
    await expect(sockets.comeBack('1')).resolves.toEqual(nothing);
  });

  it.each([
    ['1', {}],
    ['made-up', anonymous],
  ])('after more than two minutes is informed once that it missed notifications: %s', async (id, more) => {
    await away(id, more);
    await sockets.park(sockets.delivery('d'));
    sockets.now += knownMs - 2;
    await expect(sockets.comeBack(id, 'b', more)).resolves.toEqual({ ids: [], hasGap: true });
    await sockets.close(id);
    await expect(sockets.comeBack(id, 'b', more)).resolves.toEqual(nothing);
  });

  it('after more than four minutes counts as new', async () => {
    await away();
    sockets.now += knownMs;
    await expect(sockets.open('1', 'b')).resolves.toEqual({ kind: 'open', isBehind: false });
  });
});

describe('a mailbox', () => {
  it('contains at most a thousand notifications, and its socket is informed that it missed the others', async () => {
    await away();
    const parked = [];
    for (let round = 0; round < 11; round++) {
      const some = Array.from({ length: 100 }, (_, index) => ({
        delivery: sockets.delivery(`${round * 100 + index}`),
      }));
      parked.push(...(await sockets.mailboxes.park(some, () => ({ maxNotifications: 1000, maxBytes: 1_000_000 }))));
    }
    expect(parked.filter(({ kind }) => kind === 'parked')).toHaveLength(1000);
    expect(parked.slice(1000).every(({ kind }) => kind === 'full')).toBe(true);
    const expected = Array.from({ length: 1000 }, (_, index) => `${index}`);
    await expect(sockets.comeBack('1')).resolves.toEqual({ ids: expected, hasGap: true });
  });

  it('contains at most a MiB of payloads', async () => {
    await away();
    const large = { payload: { text: 'x'.repeat(65_536 - 11) } }; // 64 KiB as JSON
    const results = [];
    for (let number = 0; number < 17; number++) results.push(await sockets.park(sockets.delivery(`${number}`, large)));
    expect(results.map(({ kind }) => kind)).toEqual([...Array.from({ length: 16 }, () => 'parked'), 'full']);
  });

  it('is limited for each socket', async () => {
    const most = { maxNotifications: 2, maxBytes: 1000 };
    await away('1');
    await sockets.park(sockets.delivery('a'), false, most);
    await sockets.park(sockets.delivery('b'), false, most);
    await away('2');
    await expect(sockets.park(sockets.delivery('c'), false, most)).resolves.toMatchObject({ kind: 'parked' });
    await expect(sockets.comeBack('1')).resolves.toEqual({ ids: ['a', 'b'], hasGap: true });
    await expect(sockets.comeBack('2')).resolves.toEqual({ ids: ['c'], hasGap: false });
  });

  it('has room again once it was collected or its notifications have expired', async () => {
    const most = { maxNotifications: 2, maxBytes: 1000 };
    await away();
    const first = [sockets.delivery('a'), sockets.delivery('b')];
    for (const one of first) await sockets.park(one, false, most);
    await expect(sockets.comeBack('1')).resolves.toEqual({ ids: ['a', 'b'], hasGap: false });
    await sockets.close('1');
    sockets.now += 1;
    const second = [sockets.delivery('c'), sockets.delivery('d')];
    for (const one of second) await sockets.park(one, false, most);
    for (const one of second) await expect(sockets.mailboxes.settle(one)).resolves.toEqual({ kind: 'missed' });
    await expect(sockets.park(sockets.delivery('e'), false, most)).resolves.toMatchObject({ kind: 'parked' });
    await expect(sockets.comeBack('1')).resolves.toEqual({ ids: ['e'], hasGap: true });
  });

  it('of several sockets stores a payload once, and deletes it with the last of them', async () => {
    for (const id of ['1', '2', '3']) await sockets.open(id, 'a');
    sockets.now += 1;
    for (const id of ['1', '2', '3']) await sockets.close(id);
    sockets.now += 1;
    const one = sockets.delivery('d');
    await sockets.park(one);
    const [mailbox] = await sockets.redis.keys(`*${sockets.prefix}*:mailbox:1:14`);
    expect(await sockets.redis.hlen(mailbox!)).toBe(1);
    await expect(sockets.comeBack('1')).resolves.toMatchObject({ ids: ['d'] });
    await expect(sockets.comeBack('2')).resolves.toMatchObject({ ids: ['d'] });
    await expect(sockets.mailboxes.settle(one)).resolves.toEqual({ kind: 'given' });
    await expect(sockets.comeBack('3')).resolves.toEqual({ ids: [], hasGap: true });
    expect(await sockets.redis.exists(mailbox!)).toBe(0);
  });
});

describe('a delivery that expires', () => {
  const informed = async (...connections: string[]): Promise<string[]> => {
    const informed = [];
    for (const connection of connections) {
      const got = await sockets.comeBack(connection);
      if (typeof got === 'object' && got.hasGap) informed.push(connection);
    }
    return informed;
  };

  it.each([
    ['without a connection id is reported to its sockets', undefined, ['1', '2']],
    ['with a connection id is reported to the socket with this id', '2', ['2']],
  ])('%s when they come back, once', async (_, connection, expected) => {
    for (const id of ['source', '1', '2']) await away(id);
    await away('other', { client: 'other' });
    await sockets.mailboxes.markMissed(sockets.delivery('d', { sourceToken: 'source' }), connection);
    await expect(sockets.comeBack('other', 'b', { client: 'other' })).resolves.toEqual(nothing);
    await expect(informed('source', '1', '2')).resolves.toEqual(expected);
    for (const id of ['source', '1', '2']) await sockets.close(id);
    await expect(informed('source', '1', '2')).resolves.toEqual([]);
  });

  it('reaches an anonymous client that came back under any id', async () => {
    await away('made-up-2', anonymous);
    await sockets.mailboxes.markMissed(sockets.delivery('d'), 'made-up-1');
    await expect(sockets.comeBack('made-up-3', 'b', anonymous)).resolves.toMatchObject({ hasGap: true });
  });

  it('is reported once to sockets that opened since it was due, at their next renewal, and to no other', async () => {
    await sockets.open('1', 'a');
    sockets.now += 1;
    const late = sockets.delivery('d');
    await sockets.open('2', 'a');
    await sockets.mailboxes.markMissed(late);
    await expect(sockets.renew('1', 'a')).resolves.toBe('renewed');
    await expect(sockets.renew('2', 'a')).resolves.toBe('gap');
    await expect(sockets.renew('2', 'a')).resolves.toBe('renewed');
  });

  it('is reported to a socket that closes before its renewal when it comes back', async () => {
    await sockets.open('1', 'a');
    await sockets.mailboxes.markMissed(sockets.delivery('d'));
    await sockets.close('1');
    await expect(informed('1')).resolves.toEqual(['1']);
  });
});

describe('a delivery without its socket', () => {
  const nobody = { kind: 'none', back: [] };

  it('is parked for no socket when none may come back', async () => {
    await expect(sockets.park(sockets.delivery('d'))).resolves.toEqual(nobody);
    await away('1', { client: 'other' });
    await expect(sockets.park(sockets.delivery('d'))).resolves.toEqual(nobody);
    await away('2');
    await expect(sockets.park(sockets.delivery('d', { sourceToken: '2' }))).resolves.toEqual(nobody);
    sockets.now += parkedMs;
    await expect(sockets.park(sockets.delivery('d'))).resolves.toEqual(nobody);
  });

  it('that was for parked sockets follows those that came back since, and no other', async () => {
    await away('1');
    await sockets.open('here', 'a');
    sockets.now += 1;
    const late = sockets.delivery('d');
    sockets.now += 1;
    await sockets.open('new', 'c');
    await expect(sockets.comeBack('1', 'b')).resolves.toEqual(nothing);
    await expect(sockets.park(late)).resolves.toEqual({ kind: 'none', back: [{ node: 'b', connection: '1' }] });
    await sockets.close('1');
    await expect(sockets.park({ ...late, id: 'again' })).resolves.toEqual({ kind: 'parked', back: [] });
  });

  it('that was for sockets at a node follows those that closed there since, and no other', async () => {
    await sockets.open('gone before', 'a');
    await sockets.close('gone before');
    for (const id of ['stays', 'leaves', 'moves', 'is taken over']) await sockets.open(id, 'a');
    await sockets.open('elsewhere', 'b');
    sockets.now += 1;
    const late = sockets.delivery('d', { token: 'a' });
    sockets.now += 1;
    await sockets.close('leaves');
    await sockets.close('moves');
    await expect(sockets.comeBack('moves', 'b')).resolves.toEqual(nothing);
    await sockets.open('is taken over', 'c');
    const beside = await sockets.park(late, true);
    expect(beside).toEqual({ kind: 'parked', back: [{ node: 'b', connection: 'moves' }] });
    await expect(sockets.collect('is taken over', true)).resolves.toMatchObject({ ids: ['d'] });
    await expect(sockets.comeBack('leaves')).resolves.toMatchObject({ ids: ['d'] });
    await expect(sockets.comeBack('gone before')).resolves.toEqual(nothing);
    expect((await sockets.park({ ...late, id: 'again' })).back).toContainEqual({ node: 'a', connection: 'stays' });
  });

  it('that names a connection id follows that one', async () => {
    await away('1');
    await away('2');
    const one = sockets.delivery('d', { token: 'a 2' });
    await expect(sockets.park(one)).resolves.toEqual({ kind: 'parked', back: [] });
    await expect(sockets.comeBack('1')).resolves.toEqual(nothing);
    await expect(sockets.comeBack('2', 'c')).resolves.toMatchObject({ ids: ['d'] });
    await expect(sockets.park(one)).resolves.toEqual({ kind: 'none', back: [{ node: 'c', connection: '2' }] });
  });

  it('of an older version, without the time of the look, follows sockets that opened since it was due', async () => {
    await sockets.open('here', 'a');
    sockets.now += 1;
    const late = sockets.delivery('d', { token: '- 1', lookedAt: undefined, order: undefined });
    sockets.now += 1;
    await sockets.open('new', 'b');
    await expect(sockets.park(late)).resolves.toEqual({ kind: 'none', back: [{ node: 'b', connection: 'new' }] });
  });

  it('is parked once, and settles once', async () => {
    await away();
    const [given, not] = [sockets.delivery('d'), sockets.delivery('e')];
    await sockets.park(given);
    await sockets.park(given);
    await sockets.park(not);
    await expect(sockets.mailboxes.settle(not)).resolves.toEqual({ kind: 'missed' });
    await expect(sockets.comeBack('1')).resolves.toMatchObject({ ids: ['d'] });
    await expect(sockets.mailboxes.settle(given)).resolves.toEqual({ kind: 'given' });
    await expect(sockets.mailboxes.settle(given)).resolves.toEqual({ kind: 'given' });
  });

  it('that was sent and not confirmed is parked again, with any end of its first parking', async () => {
    await away();
    const one = sockets.delivery('d');
    await sockets.park(one);
    await expect(sockets.comeBack('1')).resolves.toMatchObject({ ids: ['d'] });
    await sockets.close('1', { deliveries: [one] });
    await expect(sockets.mailboxes.settle(one)).resolves.toEqual({ kind: 'given' });
    await expect(sockets.comeBack('1')).resolves.toEqual({ ids: ['d'], hasGap: false });
  });
});

it('keeps notifications of two producers apart whose ids are equal', async () => {
  await away();
  await sockets.park(sockets.delivery('a', { notificationId: 'same', producer: 'one' }));
  await sockets.park(sockets.delivery('b', { notificationId: 'same', producer: 'other' }));
  await expect(sockets.comeBack('1')).resolves.toMatchObject({ ids: ['a', 'b'] });
});
