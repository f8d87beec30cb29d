import type { Delivery } from '@pns/transport-contract';
import { parkedMs } from './socket-rules';
import { socketTargetOf } from '@pns/delivery';
import { UserSockets, client } from '../testing/user-sockets';

/** The data of the version before mailboxes: its entries of sockets, and its backlog of one user. */
class EarlierVersion {
  constructor(private readonly sockets: UserSockets) {}

  /** Stores the entry of a socket that a node of that version opened. */
  async open(connection: string, node = 'old', more: object = {}): Promise<void> {
    const { now } = this.sockets;
    await this.write('sockets', connection, { n: node, c: client, o: now, s: now, ...more });
  }

  /** Stores the entry of a socket that a node of that version closed. */
  async close(connection: string, node = 'old', more: object = {}): Promise<void> {
    const { now } = this.sockets;
    await this.write('sockets', connection, { n: node, c: client, o: now - 1000, s: now - 500, x: now, ...more });
  }

  /** Parks a delivery as `park.lua` of that version did. */
  async park(delivery: Delivery, { taken = 0, nameless = 0 } = {}): Promise<void> {
    const { sourceToken = '', notificationId } = delivery;
    const id = `${encodeURIComponent(notificationId)} ${delivery.client}`;
    const [at, source] = [String(this.sockets.now), encodeURIComponent(sourceToken)];
    const line = [at, taken, nameless, delivery.client, source, id, JSON.stringify(delivery)].join('|');
    await this.sockets.redis.rpush(this.sockets.key('backlog'), line);
  }

  waiting(): Promise<number> {
    return this.sockets.redis.llen(this.sockets.key('backlog'));
  }

  private async write(kind: 'sockets', connection: string, entry: object): Promise<void> {
    await this.sockets.redis.hset(this.sockets.key(kind), connection, JSON.stringify(entry));
  }
}

let sockets: UserSockets;
let earlier: EarlierVersion;

beforeEach(() => {
  sockets = new UserSockets();
  earlier = new EarlierVersion(sockets);
});
afterEach(() => sockets.redis.disconnect());

/** A delivery as the earlier version wrote it. */
const old = (id: string, more: { [Field in keyof Delivery]?: Delivery[Field] | undefined } = {}): Delivery =>
  JSON.parse(
    JSON.stringify(sockets.delivery(id, { token: '- 1', order: undefined, lookedAt: undefined, ...more })),
  ) as Delivery;

describe('a delivery that an earlier version parked', () => {
  it('is collected once, in order, with later deliveries', async () => {
    await earlier.close('1');
    for (const id of ['a', 'b', 'c|"ä']) {
      sockets.now += 1;
      await earlier.park(old(id));
    }
    sockets.now += 1;
    await sockets.park(sockets.delivery('d'));
    await expect(sockets.comeBack('1')).resolves.toEqual({ ids: ['a', 'b', 'c|"ä', 'd'], hasGap: false });
    sockets.now += 1;
    await sockets.close('1');
    await expect(sockets.comeBack('1')).resolves.toEqual({ ids: [], hasGap: false });
  });

  it('stays parked when the client disconnects before its CONNECT', async () => {
    await earlier.close('1');
    sockets.now += 1;
    await earlier.park(old('a'));
    await sockets.open('1', 'b');
    await sockets.close('1');
    await expect(sockets.comeBack('1')).resolves.toMatchObject({ ids: ['a'] });
  });

  it.each<[string, object, object, string[]]>([
    ['is not for another client', {}, { client: 'other' }, []],
    ['is not for the socket that caused it', {}, { sourceToken: '1' }, []],
    ['is for the others', {}, { sourceToken: '2' }, ['a']],
    ['that another socket has taken already is for this one too', { taken: 1 }, {}, ['a']],
  ])('%s', async (_, line, delivery, ids) => {
    await earlier.close('1');
    sockets.now += 1;
    await earlier.park(old('a', delivery), line);
    await expect(sockets.comeBack('1')).resolves.toMatchObject({ ids });
  });

  it('is sent to an anonymous socket only if it was parked for anonymous ones', async () => {
    await earlier.close('made-up', 'old', { a: 1 });
    sockets.now += 1;
    await earlier.park(old('not'));
    await earlier.park(old('yes'), { nameless: 1 });
    await expect(sockets.comeBack('made-up-2', 'b', { isAnonymous: true })).resolves.toMatchObject({ ids: ['yes'] });
  });

  it('from before the socket closed is not collected', async () => {
    await earlier.park(old('a'));
    sockets.now += 1;
    await earlier.close('1');
    await expect(sockets.comeBack('1')).resolves.toEqual({ ids: [], hasGap: false });
  });

  it('is collected by a socket that its node still holds while others take the node for dead', async () => {
    await sockets.open('1', 'a');
    sockets.now += 1;
    sockets.dead = ['a'];
    await earlier.park(old('a'));
    await expect(sockets.renew('1', 'a', true)).resolves.toBe('back');
    await expect(sockets.collect('1')).resolves.toMatchObject({ ids: ['a'] });
  });

  it('is settled as given or missed', async () => {
    await earlier.close('1');
    sockets.now += 1;
    await earlier.park(old('given'), { taken: 1 });
    await earlier.park(old('missed'));
    const settle = (id: string) => sockets.mailboxes.settle(old(id, { attempt: 2 }));
    await expect(settle('given')).resolves.toEqual({ kind: 'given' });
    await expect(settle('missed')).resolves.toEqual({ kind: 'missed' });
    await expect(earlier.waiting()).resolves.toBe(0);
  });

  it('is settled as given once its socket has received it', async () => {
    await earlier.close('1');
    sockets.now += 1;
    await earlier.park(old('a'));
    await sockets.comeBack('1');
    await expect(sockets.mailboxes.settle(old('a', { attempt: 2 }))).resolves.toEqual({ kind: 'given' });
  });

  it('is erased with the user', async () => {
    await earlier.close('1');
    await earlier.park(old('a'));
    await sockets.registry.erase({ context: 1, user: 14 });
    await expect(earlier.waiting()).resolves.toBe(0);
  });
});

describe('beside nodes of an earlier version', () => {
  it('a delivery is parked for a socket that was at such a node, whenever the registry was read', async () => {
    await earlier.open('1');
    const addressed = sockets.delivery('a', { token: 'old' });
    sockets.now += 5;
    await earlier.close('1');
    sockets.now += 5;
    // A node of the earlier version increments `attempt`, and copies `order` and `lookedAt`, although it does not know them.
    await expect(sockets.park({ ...addressed, token: '- 2', attempt: 2 })).resolves.toMatchObject({
      kind: 'parked',
    });
    await expect(sockets.comeBack('1')).resolves.toMatchObject({ ids: ['a'] });
  });

  it('a delivery that such a node left in its queue follows its socket', async () => {
    await earlier.open('1');
    const addressed = sockets.delivery('a', { token: 'old' });
    sockets.now += 5;
    await earlier.close('1');
    await expect(sockets.park(addressed)).resolves.toMatchObject({ kind: 'parked' });
  });

  it.each([
    ['with its id', '1', {}],
    ['without an id of its own', 'made-up', { a: 1 }],
  ])('a parked delivery of a socket that came back to such a node %s is sent there', async (_, id, entry) => {
    await sockets.open(id, 'a', { isAnonymous: 'a' in entry });
    sockets.now += 1;
    await sockets.close(id);
    sockets.now += 1;
    const one = sockets.delivery('d');
    await sockets.park(one);
    sockets.now += 1;
    const back = 'a' in entry ? 'made-up-2' : id;
    await sockets.redis.hdel(sockets.key('sockets'), id);
    await earlier.open(back, 'old', entry);
    sockets.now += parkedMs;
    await earlier.open(back, 'old', { ...entry, o: sockets.now - parkedMs });
    await expect(sockets.mailboxes.settle({ ...one, payload: {} })).resolves.toEqual({
      kind: 'back',
      delivery: one,
      back: [{ node: 'old', connection: back }],
    });
    await expect(sockets.mailboxes.settle(one)).resolves.toEqual({ kind: 'given' });
  });

  it('refuses a socket that is open at such a node, which has not noted its session', async () => {
    await earlier.open('1');
    await expect(sockets.open('1', 'b')).resolves.toEqual({ kind: 'duplicate' });
  });

  it.each<[string, number, string, boolean]>([
    ['- 1', 1, 'find', false],
    ['- 1', 2, 'settle', false],
    ['- 3 named', 3, 'find', true],
    ['- 3 named', 4, 'settle', true],
  ])('reads the token %s of attempt %d as: %s', (token, attempt, step, namedOnly) => {
    const target = { kind: 'parked', step, isBeforeMailboxes: true, ...(namedOnly && { namedOnly }) };
    expect(socketTargetOf({ token, attempt })).toEqual(target);
  });
});
