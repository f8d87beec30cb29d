import { cuttableLink, testRedisUrl } from '@pns/local-servers';
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
  [near, far] = await Promise.all([nodes.start(), nodes.start()]);
});
beforeEach(() => nodes.nextUser());
afterEach(() => nodes.closeClients());
afterAll(() => nodes.stop());

const generations: [Generation][] = [['v2'], ['v4']];
const informed = [['session:invalid']];
const closed = [{ what: 'disconnected', reason: 'io server disconnect' }];

describe('when a session ends', () => {
  it.each(generations)('its sockets of Socket.IO %s are informed and closed, on every node', async (generation) => {
    const { id, token } = await nodes.sessions.issue(nodes.user);
    const query = { session: token };
    const clients = [
      await nodes.connect(near, undefined, { generation, query }),
      await nodes.connect(far, undefined, { generation, query }),
    ];
    const other = await nodes.connect(near, 'other');
    await nodes.sessions.end(id);
    for (const client of clients) {
      await expect(client.troubled()).resolves.toEqual(closed);
      expect(client.frames).toEqual(informed);
    }
    await nodes.untilOpen(1);
    await nodes.dispatch();
    await other.got(1);
    for (const client of clients) expect(client.frames).toEqual(informed);
  });

  it('its sockets do not reconnect by themselves', async () => {
    const { id, token } = await nodes.sessions.issue(nodes.user);
    const client = await nodes.connect(near, '1', { query: { session: token }, reconnection: true });
    await nodes.sessions.end(id);
    await expect(client.troubled()).resolves.toEqual(closed);
  });

  it('a socket that has not sent CONNECT yet is informed after its CONNECT', async () => {
    const { id, token } = await nodes.sessions.issue(nodes.user);
    const raw = await RawClient.open(near.url, `session=${token}&EIO=4`);
    await raw.packets(1);
    const heard = nodes.connect(near, 'heard', { query: { session: token } }).then((client) => client.troubled());
    await nodes.sessions.end(id);
    await heard.catch(() => undefined); // refused or closed: either way this node has received the end of the session
    await raw.connected();
    const packets = await raw.packets(3);
    expect(packets[2]).toBe('42["session:invalid"]');
    await raw.closed();
  });

  it('while its node cannot reach Redis, its sockets are informed once it can', async () => {
    const link = await cuttableLink(testRedisUrl());
    const parted = await nodes.start(link.url);
    const { id, token } = await nodes.sessions.issue(nodes.user);
    const client = await nodes.connect(parted, '1', { query: { session: token } });
    link.cut();
    await nodes.sessions.end(id);
    link.mend();
    await expect(client.troubled()).resolves.toEqual(closed);
    expect(client.frames).toEqual(informed);
    await nodes.close(parted);
    await link.close();
  });
});

describe('when all sessions of an owner are ended', () => {
  it.each([
    ['a user', false],
    ['a context', true],
  ])('%s: the sockets are informed and closed, and those of others are not', async (_, isContext) => {
    nodes.user = { ...nodes.user, context: isContext ? 2 : 1 };
    const clients = [await nodes.connect(near, '1'), await nodes.connect(far, '2')];
    const owner = nodes.user;
    nodes.user = { ...owner, ...(isContext ? { context: 3 } : { user: owner.user + 1 }) };
    const neighbour = await nodes.connect(near, '1');
    await nodes.sessions.endAllOf(isContext ? { context: owner.context } : owner);
    for (const client of clients) {
      await expect(client.troubled()).resolves.toEqual(closed);
      expect(client.frames).toEqual(informed);
    }
    await nodes.dispatch();
    await neighbour.got(1);
  });
});

it('when a session expires, its sockets receive session:invalid and are closed within seconds', async () => {
  const { token, expiresAt } = await nodes.sessions.issue({ ...nodes.user, ttlSeconds: 10 });
  const client = await nodes.connect(near, '1', { query: { session: token } });
  await expect(client.troubled()).resolves.toEqual(closed);
  expect(client.frames).toEqual(informed);
  const late = Date.now() - Date.parse(expiresAt);
  expect(late).toBeGreaterThanOrEqual(0);
  expect(late).toBeLessThan(10_000); // a busy machine needs more than a second
});
