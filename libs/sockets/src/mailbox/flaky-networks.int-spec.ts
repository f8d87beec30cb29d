import { parkedNode } from '@pns/delivery';
import { eventually } from '@pns/local-servers/waiting';
import { log } from '@pns/runtime';
import type { Delivery } from '@pns/transport-contract';
import type { Client, Generation } from '../testing/client';
import { openLossyProxy, type LossyProxy } from '../testing/lossy-proxy';
import { TestNodes, type TestNode } from '../testing/nodes';
import { RawClient } from '../testing/raw-client';

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
const numbersOf = ({ frames }: Client): unknown[] =>
  frames.map(([topic, payload]) => (payload as { number?: number } | undefined)?.number ?? topic);
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const post = (number: number): Promise<Delivery[]> => nodes.dispatch({ payload: { number } });
/** Waits for a time from 0 to `ms` that depends only on `trial`, so that the trials of a test differ. */
const spread = (trial: number, ms: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, (trial * 61) % ms));

describe('a client that disconnects between its handshake and its CONNECT', () => {
  it.each(generations)(
    'forty times, with clients of Socket.IO %s, loses and repeats none of 800 notifications',
    async (generation) => {
      const seen: unknown[] = [];
      for (let trial = 0; trial < 40; trial++) {
        nodes.nextUser();
        const first = await nodes.connect(near, '1', { generation });
        first.close();
        await nodes.untilOpen(0);
        for (const number of upTo(15)) await post(number);
        const eio = generation === 'v2' ? 'EIO=3' : 'EIO=4';
        const raw = await RawClient.open(
          trial % 2 ? near.url : far.url,
          `session=${await nodes.token()}&connection=1&${eio}`,
        );
        raw.stopReading();
        await spread(trial, 20);
        await post(15); // may be on its way to a socket that never sends CONNECT
        raw.close();
        for (const number of [16, 17, 18, 19]) await post(number);
        await spread(trial, 160);
        const back = await eventually('the socket is open again', () =>
          nodes.connect(far, '1', { generation }).catch(() => undefined),
        );
        await back.until(() => numbersOf(back).includes(19));
        await nodes.quiet();
        expect([trial, numbersOf(back)]).toEqual([trial, upTo(20)]);
        seen.push(...numbersOf(back));
        back.close();
      }
      expect(seen).toHaveLength(800);
    },
  );

  it('counts no delivered notification as expired', async () => {
    const first = await nodes.connect(near, '1');
    first.close();
    await nodes.untilOpen(0);
    const sent = (await Promise.all(upTo(5).map(post))).flat();
    const raw = await RawClient.open(far.url, `session=${await nodes.token()}&connection=1&EIO=4`);
    await raw.packets(1);
    raw.close();
    const back = await nodes.connect(near, '1');
    await back.got(5);
    const waiting = nodes.queueOf({ id: parkedNode });
    for (const job of await waiting.getDelayed()) await job.promote(); // simulates that two minutes have passed
    for (const delivery of sent)
      await expect(nodes.outcome(delivery, 'moved', 'expired')).resolves.toMatchObject({ kind: 'moved' });
    for (const delivery of sent)
      await expect(nodes.outcome(delivery, 'delivered')).resolves.toEqual({ kind: 'delivered' });
  });
});

describe('a cut while a thousand notifications are sent', () => {
  it.each(generations)('loses none for a client of Socket.IO %s, and changes no order', async (generation) => {
    const proxy = await openLossyProxy();
    proxy.sendTo(near);
    const client = await nodes.connect(proxy, '1', { generation, reconnection: true });
    for (const number of upTo(400)) await post(number);
    await client.until(() => numbersOf(client).length >= 400);
    proxy.sendTo(undefined);
    proxy.cut();
    await nodes.untilOpen(0);
    for (const number of upTo(900).slice(400)) await post(number);
    proxy.sendTo(far);
    for (const number of upTo(1000).slice(900)) await post(number); // posted while the socket comes back
    await client.until(() => numbersOf(client).includes(999));
    await nodes.quiet();
    const got = numbersOf(client);
    // Events of the last ms before the cut could not be confirmed, so they arrive again.
    expect(got.slice(0, 400)).toEqual(upTo(400));
    const doubled = got.length - 1000;
    expect(got.slice(400)).toEqual(upTo(1000).slice(400 - doubled));
    expect(doubled).toBeLessThan(100);
    await proxy.close();
  });

  it.each(generations)('five times in a row loses none for a client of Socket.IO %s', async (generation) => {
    const proxy = await openLossyProxy();
    proxy.sendTo(near);
    const client = await nodes.connect(proxy, '1', { generation, reconnection: true });
    for (const number of upTo(1000)) {
      await post(number);
      if (number % 200 === 199) {
        proxy.sendTo(number % 400 === 199 ? far : near);
        proxy.cut();
      }
    }
    await client.until(() => numbersOf(client).includes(999));
    await nodes.quiet();
    expect([...new Set(numbersOf(client))].sort((a, b) => Number(a) - Number(b))).toEqual(upTo(1000));
    await proxy.close();
  });
});

describe('a client whose network changes', () => {
  it.each<[Generation, string]>([
    ['v2', 'another node'],
    ['v4', 'another node'],
    ['v2', 'the same node'],
    ['v4', 'the same node'],
  ])(
    'of Socket.IO %s takes over from its half-open socket at %s at once, and misses nothing',
    async (generation, at) => {
      const proxy: LossyProxy = await openLossyProxy();
      proxy.sendTo(near);
      const session = await nodes.token();
      const client = nodes.open(proxy, { generation, query: { session, connection: 'phone' }, reconnection: true });
      await client.connected();
      for (const number of upTo(5)) await post(number);
      await client.got(5);
      await nodes.confirmed(near);
      proxy.sendTo(undefined);
      proxy.loseClients(); // our side of the connection stays open
      await client.troubled();
      for (const number of [5, 6, 7]) await post(number); // these are written to the half-open socket
      await nodes.quiet();
      proxy.sendTo(at === 'the same node' ? near : far);
      const [half] = await nodes.openConnections();
      expect(half).toBe('phone');
      await client.until(() => client.isConnected);
      for (const number of [8, 9]) await post(number);
      await client.until(() => numbersOf(client).includes(9));
      await nodes.quiet();
      expect(numbersOf(client)).toEqual(upTo(10));
      await expect(nodes.openConnections()).resolves.toEqual(['phone']);
      await proxy.close();
    },
  );

  it('closes the old socket, whose client does not reconnect', async () => {
    const session = await nodes.token();
    const query = { session, connection: '1' };
    const old = await nodes.open(near, { query, reconnection: true }).connected();
    const young = await nodes.open(far, { query }).connected();
    await expect(old.troubled()).resolves.toMatchObject([{ what: 'disconnected', reason: 'io server disconnect' }]);
    await nodes.dispatch();
    await young.got(1);
    await nodes.quiet();
    expect([old.frames.length, old.isConnected]).toEqual([0, false]);
  });

  it('is refused under an id that another session uses', async () => {
    await nodes.connect(near, '1');
    const raw = await RawClient.open(far.url, `session=${await nodes.token()}&connection=1&EIO=4`);
    await expect(raw.refusal()).resolves.toMatchObject({ status: 400, body: { code: 'CONNECTION_DUPLICATE' } });
  });

  it('that sends its session with the CONNECT takes over as well, any number of times', async () => {
    const auth = { token: await nodes.token() };
    for (const node of [near, far, far, near]) {
      const client = await nodes.open(node, { auth, query: { connection: '1' } }).connected();
      await nodes.dispatch();
      await client.got(1);
    }
    await expect(nodes.openConnections()).resolves.toEqual(['1']);
  });
});

describe('a socket whose connection breaks', () => {
  it('receives again what it has not confirmed, and nothing else', async () => {
    const raw = await RawClient.open(near.url, `session=${await nodes.token()}&connection=1&EIO=4`);
    await raw.connected();
    raw.answerPings();
    await post(0);
    await raw.packets(3);
    await nodes.confirmed(near);
    raw.answerPings(false);
    await post(1);
    await raw.packets(4);
    raw.close(); // without a close frame, as when the network is lost
    await nodes.untilOpen(0);
    const back = await nodes.connect(far, '1');
    await post(2);
    await back.got(2);
    expect(numbersOf(back)).toEqual([1, 2]);
  });

  it.each([
    [
      'gets again what it has not confirmed',
      'without a code, as after a ping time-out',
      Buffer.from([0x88, 0x80, 0, 0, 0, 0]),
      [1, 2],
    ],
    [
      'has read all but the latest',
      'as a browser that leaves the page',
      Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe9]),
      [2],
    ],
  ])('%s when its client sends a close frame %s', async (_, _how, closeFrame, expected) => {
    const raw = await RawClient.open(near.url, `session=${await nodes.token()}&connection=1&EIO=4`);
    await raw.connected();
    raw.answerPings();
    await post(0);
    await raw.packets(3);
    await nodes.confirmed(near);
    raw.answerPings(false);
    await post(1);
    await raw.packets(4);
    await new Promise((resolve) => setTimeout(resolve, 1500)); // longer than the round trip that is assumed
    await raw.write(closeFrame);
    await nodes.untilOpen(0);
    const back = await nodes.connect(far, '1');
    await post(2);
    await back.got(expected.length);
    await nodes.quiet();
    expect(numbersOf(back)).toEqual(expected);
  });

  it('receives nothing when nothing was sent', async () => {
    const raw = await RawClient.open(near.url, `session=${await nodes.token()}&connection=1&EIO=4`);
    await raw.connected();
    raw.close();
    await nodes.untilOpen(0);
    const back = await nodes.connect(far, '1');
    await post(0);
    await back.got(1);
    expect(numbersOf(back)).toEqual([0]);
  });
});
