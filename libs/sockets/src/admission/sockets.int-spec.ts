import { eventually } from '@pns/local-servers/waiting';
import { log } from '@pns/runtime';
import type { Generation } from '../testing/client';
import { TestNodes, type TestNode } from '../testing/nodes';
import { RawClient } from '../testing/raw-client';

log.level = 'silent';

let nodes: TestNodes;
let near: TestNode;
let far: TestNode;

beforeAll(async () => {
  nodes = await TestNodes.prepare();
  nodes.configure('pns.properties', 'com.openexchange.pns.transport.websocket.enabled.ox:mail:muted=false');
  [near, far] = await Promise.all([nodes.start(), nodes.start()]);
});
beforeEach(() => nodes.nextUser());
afterEach(() => nodes.closeClients());
afterAll(() => nodes.stop());

const mail = { folder: 'default0/INBOX', id: '113', subject: "Let's meet" };
const generations: [Generation][] = [['v2'], ['v4']];

describe('a notification', () => {
  it.each(generations)(
    'reaches a client of Socket.IO %s once, as an event with its topic and payload',
    async (generation) => {
      const client = await nodes.connect(near, '1', { generation });
      await nodes.dispatch({ payload: mail });
      await nodes.dispatch({ topic: 'ox:calendar:updates', payload: { folders: ['cal://0/30'] } });
      await expect(client.got(2)).resolves.toEqual([
        ['ox:mail:new', mail],
        ['ox:calendar:updates', { folders: ['cal://0/30'] }],
      ]);
    },
  );

  it.each(generations)(
    'has its id, time and count for a client of Socket.IO %s that requests them',
    async (generation) => {
      const client = await nodes.connect(near, '1', { generation, query: { meta: '1' } });
      await nodes.dispatch({ notificationId: 'n1', timestamp: 1234, count: 3 });
      await expect(client.got(1)).resolves.toEqual([['ox:mail:new', mail, { id: 'n1', timestamp: 1234, count: 3 }]]);
    },
  );

  it('reaches every socket of the user on every node once, and no other', async () => {
    const mine = await Promise.all([
      nodes.connect(near, '1'),
      nodes.connect(near, '2', { generation: 'v2' }),
      nodes.connect(far, '3'),
      nodes.connect(far),
    ]);
    const other = await nodes.connect(far, '1', { query: { session: await nodes.token({ context: 2 }) } });
    await nodes.dispatch();
    await nodes.dispatch({ topic: 'ox:mail:last' });
    for (const client of mine) {
      await expect(client.got(2)).resolves.toEqual([
        ['ox:mail:new', mail],
        ['ox:mail:last', mail],
      ]);
    }
    expect(other.frames).toEqual([]);
  });

  it.each(generations)(
    'reaches a client of Socket.IO %s in the order of acceptance, in any number of jobs',
    async (generation) => {
      const client = await nodes.connect(near, '1', { generation });
      const numbers = Array.from({ length: 1000 }, (_, number) => number);
      const queue = nodes.queueOf(near);
      await queue.pause(); // so that many jobs are fetched at once
      for (const number of numbers.slice(0, 500)) await nodes.dispatch({ payload: { number } });
      await queue.resume();
      for (const number of numbers.slice(500)) await nodes.dispatch({ payload: { number } });
      const frames = await client.got(1000);
      expect(frames.map(([, payload]) => (payload as { number: number }).number)).toEqual(numbers);
    },
  );

  it('is not echoed to the socket that caused it, on any node', async () => {
    const [source, beside, elsewhere] = await Promise.all([
      nodes.connect(near, 'source'),
      nodes.connect(near, 'beside'),
      nodes.connect(far, 'elsewhere'),
    ]);
    await nodes.dispatch({ sourceToken: 'source' });
    await nodes.dispatch({ sourceToken: 'elsewhere', topic: 'ox:mail:last' });
    await expect(source.got(1)).resolves.toEqual([['ox:mail:last', mail]]);
    await expect(beside.got(2)).resolves.toEqual([
      ['ox:mail:new', mail],
      ['ox:mail:last', mail],
    ]);
    await expect(elsewhere.got(1)).resolves.toEqual([['ox:mail:new', mail]]);
  });

  it('that was in progress when its transport was disabled is not sent', async () => {
    const client = await nodes.connect(near, '1');
    const [muted] = await nodes.dispatch({ topic: 'ox:mail:muted' });
    await expect(nodes.outcome(muted!, 'suppressed')).resolves.toMatchObject({ kind: 'suppressed' });
    await nodes.dispatch({ topic: 'ox:mail:last' });
    await expect(client.got(1)).resolves.toEqual([['ox:mail:last', mail]]);
  });

  it('with values that Socket.IO could send in another form is sent as JSON', async () => {
    const client = await nodes.connect(near, '1');
    const payload = {
      _placeholder: true,
      num: 0,
      type: 'Buffer',
      data: [1],
      text: '\u2028\ud83d\ude00"',
      nothing: null,
    };
    await nodes.dispatch({ payload });
    await expect(client.got(1)).resolves.toEqual([['ox:mail:new', payload]]);
  });

  it('with a name that Socket.IO reserves is rejected', async () => {
    await nodes.connect(near, '1');
    const [delivery] = await nodes.dispatch({ topic: 'disconnect' });
    await expect(nodes.outcome(delivery!, 'rejected')).resolves.toMatchObject({ kind: 'rejected' });
  });
});

describe('a reader that does not read', () => {
  it('is destroyed at a backlog of a MiB, and the other sockets receive everything', async () => {
    const slow = await RawClient.open(near.url, `session=${await nodes.token()}&connection=slow&EIO=4`);
    await slow.connected();
    const quick = await nodes.connect(near, 'quick');
    slow.stopReading();
    const payload = { text: 'x'.repeat(60_000) };
    let sent = 0;
    while ((await nodes.openConnections()).includes('slow')) {
      await nodes.dispatch({ payload });
      await quick.got(++sent);
      // The test cannot limit the buffers of the kernel: some MiB, depending on the machine.
      expect(sent).toBeLessThan(1000);
    }
    await nodes.dispatch({ topic: 'ox:mail:last' });
    await expect(quick.got(sent + 1)).resolves.toHaveLength(sent + 1);
    const back = await nodes.connect(far, 'slow');
    await back.until(() => back.frames.some(([topic]) => topic === 'ox:mail:last')); // the last event arrives while the socket is away
    expect(back.frames).toContainEqual(['notifications:missed']); // the events of the backlog are lost
    slow.close();
  });
});

it('the metric counts the open sockets', async () => {
  const open = async (): Promise<number> => {
    const text = await (await fetch(`${near.url}/metrics`)).text();
    return Number(/^pns_open_sockets (\d+)$/m.exec(text)?.[1]);
  };
  // The sockets of the previous test may still be closing.
  await eventually('no socket is counted', async () => (await open()) === 0);
  const [one] = await Promise.all([nodes.connect(near), nodes.connect(near, '2')]);
  await expect(open()).resolves.toBe(2);
  one.close();
  await eventually('one socket is counted', async () => (await open()) === 1);
});
