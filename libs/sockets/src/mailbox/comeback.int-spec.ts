import { cuttableLink, type CuttableLink, testRedisUrl } from '@pns/local-servers';
import { withTarget } from '@pns/delivery';
import { eventually } from '@pns/local-servers/waiting';
import { log } from '@pns/runtime';
import type { Delivery } from '@pns/transport-contract';
import type { Generation } from '../testing/client';
import { TestNodes, type TestNode } from '../testing/nodes';

log.level = 'silent';

let nodes: TestNodes;
let near: TestNode;
let far: TestNode;

beforeAll(async () => {
  nodes = await TestNodes.prepare();
  [near, far] = await Promise.all([nodes.start(), nodes.start()]);
});
beforeEach(() => nodes.nextUser());
afterEach(() => nodes.closeClients());
afterAll(() => nodes.stop());

const generations: [Generation][] = [['v2'], ['v4']];
const topics = (frames: unknown[][]): unknown[] => frames.map(([topic]) => topic);

/** Dispatches a notification, and resolves once its deliveries are parked. */
async function dispatchAndPark(more: Partial<Delivery> = {}): Promise<void> {
  for (const { id } of await nodes.dispatch(more)) await nodes.parked(id);
}

describe('a socket that comes back', () => {
  it.each(generations)(
    'of Socket.IO %s receives the missed notifications on any node, in order and once',
    async (generation) => {
      const client = await nodes.connect(near, '1', { generation });
      await nodes.dispatch({ topic: 'ox:mail:before' });
      await client.got(1);
      client.close();
      await nodes.untilOpen(0);
      for (const topic of ['ox:mail:a', 'ox:mail:b', 'ox:mail:c']) await dispatchAndPark({ topic });
      const back = await nodes.connect(far, '1', { generation });
      await nodes.dispatch({ topic: 'ox:mail:after' });
      const all = topics(await back.got(4));
      expect(all).toContain('ox:mail:after');
      expect(all.filter((topic) => topic !== 'ox:mail:after')).toEqual(['ox:mail:a', 'ox:mail:b', 'ox:mail:c']);
      back.close();
      await nodes.untilOpen(0);
      const again = await nodes.connect(near, '1', { generation });
      await nodes.dispatch({ topic: 'ox:mail:last' });
      expect(topics(await again.got(1))).toEqual(['ox:mail:last']);
    },
  );

  it('may send its session with its CONNECT, and receives the missed notifications', async () => {
    const client = await nodes.connect(near, '1');
    client.close();
    await nodes.untilOpen(0);
    await dispatchAndPark();
    const auth = { token: await nodes.token() };
    const back = await nodes.open(far, { auth, query: { connection: '1' } }).connected();
    await expect(back.got(1)).resolves.toHaveLength(1);
  });

  it('is recognized without a connection id', async () => {
    const client = await nodes.connect(near);
    client.close();
    await nodes.untilOpen(0);
    await dispatchAndPark();
    const back = await nodes.connect(far);
    await expect(back.got(1)).resolves.toHaveLength(1);
  });

  it('does not receive notifications that it caused, and another socket does', async () => {
    const clients = await Promise.all([nodes.connect(near, '1'), nodes.connect(near, '2')]);
    for (const client of clients) client.close();
    await nodes.untilOpen(0);
    await dispatchAndPark({ sourceToken: '1' });
    const [one, other] = await Promise.all([nodes.connect(near, '1'), nodes.connect(far, '2')]);
    await expect(other.got(1)).resolves.toHaveLength(1);
    await nodes.dispatch({ topic: 'ox:mail:last' });
    expect(topics(await one.got(1))).toEqual(['ox:mail:last']);
  });

  it('receives deliveries that were in progress when it closed', async () => {
    const stays = await nodes.connect(near, 'stays');
    const client = await nodes.connect(near, '1');
    const late = await nodes.deliveryNow(near.id); // dispatched to the node that held the socket at that time
    stays.close();
    client.close();
    await nodes.untilOpen(0);
    await nodes.enqueue(late);
    await nodes.parked(late.id);
    const back = await nodes.connect(far, '1');
    await expect(back.got(1)).resolves.toHaveLength(1);
  });

  it('receives deliveries that were in progress when it closed, while another socket of its client stays open', async () => {
    const stays = await nodes.connect(near, 'stays');
    const client = await nodes.connect(near, '1');
    const late = await nodes.deliveryNow(near.id);
    client.close();
    await nodes.untilOpen(1);
    await nodes.enqueue(late);
    await nodes.parked(late.id);
    const back = await nodes.connect(far, '1');
    await expect(back.got(1)).resolves.toHaveLength(1);
    await nodes.dispatch({ topic: 'ox:mail:last' });
    expect(topics(await stays.got(2))).toEqual(['ox:mail:new', 'ox:mail:last']);
    expect(topics(await back.got(2))).toEqual(['ox:mail:new', 'ox:mail:last']);
  });

  it('receives once each notification that was dispatched before and after it closed', async () => {
    const stays = await nodes.connect(near, 'stays');
    const client = await nodes.connect(near, '1');
    const before = await nodes.deliveryNow(near.id);
    client.close();
    await nodes.untilOpen(1);
    await nodes.enqueue(before);
    await nodes.parked(before.id);
    const parked = withTarget(before, { kind: 'parked', step: 'find' });
    const again = { ...parked, id: `${before.id}-away`, lookedAt: Date.now() };
    await nodes.enqueue(again);
    await nodes.outcome(again, 'moved');
    const back = await nodes.connect(far, '1');
    await nodes.dispatch({ topic: 'ox:mail:last' });
    expect(topics(await back.got(2))).toEqual(['ox:mail:new', 'ox:mail:last']);
    await stays.got(2);
  });

  it('receives a notification once that is in its mailbox, was sent back to it, and is in the queue of its node', async () => {
    const client = await nodes.connect(near, '1');
    client.close();
    await nodes.untilOpen(0);
    const [missed] = await nodes.dispatch();
    await nodes.parked(missed?.id ?? '');
    const back = await nodes.connect(far, '1');
    await back.got(1);
    const { notificationId } = missed as Delivery;
    for (const target of [undefined, { kind: 'socket', node: far.id, connection: '1' } as const]) {
      const again = { ...nodes.delivery(far.id), notificationId };
      await nodes.enqueue(target === undefined ? again : withTarget(again, target));
      await nodes.outcome(again, 'delivered');
    }
    await nodes.dispatch({ topic: 'ox:mail:last' });
    expect(topics(await back.got(2))).toEqual(['ox:mail:new', 'ox:mail:last']);
  });

  it('receives deliveries that are still in the queue of its former node', async () => {
    const client = await nodes.connect(near, '1');
    const late = await nodes.deliveryNow(near.id);
    client.close();
    await nodes.untilOpen(0);
    const back = await nodes.connect(far, '1');
    await nodes.enqueue(late);
    await expect(back.got(1)).resolves.toHaveLength(1);
  });

  it('receives the missed notifications as soon as Redis is available', async () => {
    const client = await nodes.connect(near, '1');
    client.close();
    await nodes.untilOpen(0);
    await dispatchAndPark();
    const [index] = await nodes.queues.redis.keys(`*:mail:${nodes.user.context}:${nodes.user.user}`);
    await nodes.queues.redis.rename(index!, `${index!}:aside`);
    await nodes.queues.redis.set(index!, 'no sorted set'); // so that no script can read it
    const back = await nodes.connect(far, '1');
    await nodes.dispatch({ topic: 'ox:mail:live' });
    await nodes.quiet();
    expect(back.frames).toEqual([]);
    await nodes.queues.redis.rename(`${index!}:aside`, index!);
    expect(topics(await back.got(2))).toEqual(['ox:mail:new', 'ox:mail:live']);
  });

  it.each(generations)(
    'of Socket.IO %s after more than two minutes is informed that it missed notifications',
    async (generation) => {
      const client = await nodes.connect(near, '1', { generation });
      client.close();
      await nodes.untilOpen(0);
      await dispatchAndPark();
      await nodes.closedSince('1', 130_000);
      const back = await nodes.connect(far, '1', { generation });
      await nodes.dispatch({ topic: 'ox:mail:last' });
      expect(topics(await back.got(2))).toEqual(['notifications:missed', 'ox:mail:last']);
    },
  );

  it('receives a thousand notifications, and is informed that it missed further ones', async () => {
    nodes.configure('pns.properties', 'com.openexchange.websockets.mailbox.maxNotifications=1000\n');
    const client = await nodes.connect(near, '1');
    client.close();
    await nodes.untilOpen(0);
    for (let number = 0; number < 1005; number++) await nodes.dispatch({ payload: { number } });
    const back = await nodes.connect(far, '1');
    const [informed, ...frames] = await back.got(1001);
    expect(informed).toEqual(['notifications:missed']);
    expect(frames.map(([, payload]) => (payload as { number: number }).number)).toEqual([...Array(1000).keys()]);
  });

  it('receives a MiB of payloads without counting as a slow reader', async () => {
    const client = await nodes.connect(near, '1');
    client.close();
    await nodes.untilOpen(0);
    const payload = { text: 'x'.repeat(65_536 - 11) };
    for (let number = 0; number < 16; number++) await nodes.dispatch({ payload });
    const back = await nodes.connect(far, '1');
    await back.got(16);
    await nodes.dispatch({ topic: 'ox:mail:last' });
    expect(topics(await back.got(17)).at(-1)).toBe('ox:mail:last');
  });

  it('as another client receives nothing', async () => {
    nodes.configure(
      'websocket-clients.yml',
      'other:\n  path: /other\n  topics: ["*"]\nopen-xchange-appsuite:\n  path: /socket.io/appsuite/\n  topics: ["*"]\n',
    );
    const client = await nodes.connect(near, '1');
    client.close();
    await nodes.untilOpen(0);
    await dispatchAndPark();
    const other = await eventually('the new path is served', () =>
      nodes.connect(near, '1', { path: '/other/' }).catch(() => undefined),
    );
    await nodes.dispatch({ topic: 'ox:mail:last' });
    expect(topics(await other.got(1))).toEqual(['ox:mail:last']);
  });
});

describe('two tabs of one user', () => {
  it.each([
    ['the node they were at', () => near],
    ['another node', () => far],
  ])('that come back to %s within milliseconds each receive the missed notifications once', async (_, node) => {
    const tabs = await Promise.all([nodes.connect(near, '1'), nodes.connect(near, '2')]);
    const onItsWay = { ...(await nodes.deliveryNow(near.id)), topic: 'ox:mail:on-its-way' };
    for (const tab of tabs) tab.close();
    await nodes.untilOpen(0);
    await nodes.enqueue(onItsWay);
    await nodes.parked(onItsWay.id);
    await dispatchAndPark({ topic: 'ox:mail:away' });
    const queue = nodes.queueOf(node());
    await queue.pause(); // so that the deliveries for one socket still wait when the deliveries for the other arrive
    const back = await Promise.all([nodes.connect(node(), '1'), nodes.connect(node(), '2')]);
    await queue.resume();
    await Promise.all(back.map((tab) => tab.got(2)));
    await nodes.quiet();
    for (const tab of back) expect(topics(tab.frames)).toEqual(['ox:mail:on-its-way', 'ox:mail:away']);
  });
});

describe('a delivery that finds no socket', () => {
  it('expires when no socket can come back', async () => {
    const lost = nodes.delivery(near.id);
    await nodes.enqueue(lost);
    await expect(nodes.outcome(lost, 'expired')).resolves.toEqual({ kind: 'expired', reason: 'its socket is gone' });
  });

  const givenUp = { kind: 'expired', reason: 'its socket was not found' };

  it('expires when it was forwarded too often, and the socket is informed when it comes back', async () => {
    const clients = await Promise.all([nodes.connect(near, '1'), nodes.connect(near, '2')]);
    for (const client of clients) client.close();
    await nodes.untilOpen(0);
    const lost = { ...nodes.delivery(near.id), attempt: 10, token: `${near.id} 1` };
    await nodes.enqueue(lost);
    await expect(nodes.outcome(lost, 'expired')).resolves.toEqual(givenUp);
    const [back, other] = await Promise.all([nodes.connect(far, '1'), nodes.connect(far, '2')]);
    await nodes.dispatch({ topic: 'ox:mail:last' });
    expect(topics(await back.got(2))).toEqual(['notifications:missed', 'ox:mail:last']);
    expect(topics(await other.got(1))).toEqual(['ox:mail:last']);
  });

  it('expires when it was forwarded too often, and the socket is informed at the node where it is open', async () => {
    const link = await cuttableLink(testRedisUrl());
    const elsewhere = await nodes.start(link.url);
    const lost = { ...nodes.delivery(near.id), attempt: 10 };
    const client = await nodes.connect(elsewhere, '1');
    await nodes.enqueue(lost);
    await expect(nodes.outcome(lost, 'expired')).resolves.toEqual(givenUp);
    link.cut();
    link.mend(); // a node renews its sockets when Redis is back, not only every 20 s
    expect(await client.got(1)).toEqual([['notifications:missed']]);
    await nodes.close(elsewhere);
    await link.close();
  });
});

describe('when a node stops', () => {
  it.each(generations)('its sockets of Socket.IO %s reconnect to another one and miss nothing', async (generation) => {
    const proxy = await nodes.balancer();
    const stopping = await nodes.start();
    proxy.sendTo(stopping);
    const client = await nodes.connect(proxy, '1', { generation, reconnection: true });
    proxy.sendTo(far);
    const queued = await nodes.deliveryNow(stopping.id);
    await nodes.close(stopping);
    await nodes.enqueue({ ...queued, topic: 'ox:mail:late' }); // dispatched while the socket was at the previous node
    await nodes.dispatch({ topic: 'ox:mail:now' });
    expect(topics(await client.got(2)).sort()).toEqual(['ox:mail:late', 'ox:mail:now']);
    expect(client.troubles[0]).toMatchObject({ what: 'disconnected', reason: 'transport close' });
    await proxy.close();
  });

  it('two tabs of one user reconnect to another node, miss nothing and receive nothing twice', async () => {
    const proxy = await nodes.balancer();
    const stopping = await nodes.start();
    proxy.sendTo(stopping);
    const options = { reconnection: true };
    const tabs = await Promise.all([nodes.connect(proxy, '1', options), nodes.connect(proxy, '2', options)]);
    proxy.sendTo(far);
    const queued = await nodes.deliveryNow(stopping.id);
    await nodes.close(stopping);
    await nodes.dispatch({ topic: 'ox:mail:now' });
    await nodes.untilOpen(tabs.length);
    await nodes.enqueue({ ...queued, topic: 'ox:mail:late' }); // dispatched while the socket was at the previous node
    await Promise.all(tabs.map((tab) => tab.got(2)));
    await nodes.quiet();
    // The two notifications went through different queues, so their order is not promised.
    for (const tab of tabs) expect(topics(tab.frames).sort()).toEqual(['ox:mail:late', 'ox:mail:now']);
    await proxy.close();
  });

  it('it refuses new sockets with the time of the retry', async () => {
    const stopping = await nodes.start();
    const client = await nodes.connect(stopping, '1');
    const closing = nodes.close(stopping);
    await expect(client.troubled()).resolves.toMatchObject([{ reason: 'transport close' }]);
    const next = nodes.open(stopping, { query: { session: await nodes.token() } });
    await expect(next.connected()).rejects.toThrow('refused');
    await closing;
  });
});

describe('when a node stops while Redis', () => {
  it.each([
    ['refuses connections', (link: CuttableLink) => link.cut()],
    ['answers nothing', (link: CuttableLink) => link.swallow()],
  ])(
    '%s, it ends in time, and its sockets receive the waiting notifications and are informed that they may have missed others',
    async (_, part) => {
      const link = await cuttableLink(testRedisUrl());
      const parted = await nodes.start(link.url);
      const client = await nodes.connect(parted, '1');
      part(link);
      await nodes.dispatch({ topic: 'ox:mail:stuck' });
      await nodes.close(parted);
      await expect(client.troubled()).resolves.toMatchObject([{ reason: 'transport close' }]);
      await nodes.untilDead(parted);
      const back = await nodes.connect(far, '1');
      expect(topics(await back.got(2))).toEqual(['notifications:missed', 'ox:mail:stuck']);
      await link.close();
    },
  );
});

describe('when a node cannot reach Redis until others consider it dead', () => {
  it('another node takes over its queue, and its sockets miss nothing when it returns', async () => {
    const link = await cuttableLink(testRedisUrl());
    const parted = await nodes.start(link.url);
    const client = await nodes.connect(parted, '1');
    link.cut();
    await nodes.dispatch({ topic: 'ox:mail:stuck' });
    await nodes.untilDead(parted);
    await dispatchAndPark({ topic: 'ox:mail:dead' });
    link.mend();
    expect(topics(await client.got(2)).sort()).toEqual(['ox:mail:dead', 'ox:mail:stuck']);
    await nodes.untilAlive(parted);
    await nodes.dispatch({ topic: 'ox:mail:after' });
    expect(topics(await client.got(3))).toContain('ox:mail:after');
    await nodes.close(parted);
    await link.close();
  });

  it('a socket that is parked again while it is being sent its mailbox is sent the mailbox again, and then live notifications', async () => {
    const link = await cuttableLink(testRedisUrl());
    const parted = await nodes.start(link.url);
    const client = await nodes.connect(parted, '1');
    const seemDead = async (topic: string) => {
      link.cut();
      await nodes.untilDead(parted);
      await dispatchAndPark({ topic });
      link.mend();
    };
    const recorded = nodes.holdRecords(parted);
    await seemDead('ox:mail:first');
    await client.got(1);
    await recorded.reached;
    await seemDead('ox:mail:second');
    await nodes.untilAlive(parted);
    recorded.release();
    expect(topics(await client.got(2))).toEqual(['ox:mail:first', 'ox:mail:second']);
    await nodes.dispatch({ topic: 'ox:mail:after' });
    expect(topics(await client.got(3))).toContain('ox:mail:after');
    await nodes.close(parted);
    await link.close();
  });

  it('a socket that moves to another node receives the notifications that its node could store, and is informed that it may have missed others', async () => {
    const link = await cuttableLink(testRedisUrl());
    const parted = await nodes.start(link.url);
    const client = await nodes.connect(parted, '1');
    link.cut();
    await nodes.dispatch({ topic: 'ox:mail:stuck' });
    client.close();
    // The client is refused as a duplicate until its previous node is known to be dead.
    const back = await eventually('the socket is open again', () => nodes.connect(far, '1').catch(() => undefined));
    const informed = ['notifications:missed', 'ox:mail:stuck'];
    expect(topics(await back.got(2))).toEqual(informed);
    link.mend();
    await nodes.close(parted);
    await nodes.dispatch({ topic: 'ox:mail:after' });
    expect(topics(await back.got(3))).toEqual([...informed, 'ox:mail:after']);
    await link.close();
  });
});
