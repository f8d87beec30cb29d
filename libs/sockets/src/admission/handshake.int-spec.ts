import { once } from 'node:events';
import { cuttableLink, testRedisUrl, type CuttableLink } from '@pns/local-servers';
import { eventually } from '@pns/local-servers/waiting';
import { log } from '@pns/runtime';
import { SignJWT, UnsecuredJWT } from 'jose';
import type { Generation } from '../testing/client';
import { secret, TestNodes, type TestNode } from '../testing/nodes';
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
const soon = (): number => Math.floor(Date.now() / 1000) + 60;
const claims = () => ({ jti: 'a', exp: soon(), ...nodes.user });
const signed = (more: object = {}, by = secret, alg = 'HS256'): Promise<string> =>
  new SignJWT({ ...claims(), ...more }).setProtectedHeader({ alg }).sign(new TextEncoder().encode(by));

async function ended(): Promise<string> {
  const { id, token } = await nodes.sessions.issue(nodes.user);
  await nodes.sessions.end(id);
  return token;
}

async function forged(): Promise<string> {
  const [header, , signature] = (await signed()).split('.');
  const other = Buffer.from(JSON.stringify({ ...claims(), user: 15 })).toString('base64url');
  return [header, other, signature].join('.');
}

const notGood = 'The session token is not valid; request a new one with POST /v1/sessions.';
const hasEnded = 'The session has ended; request a new one with POST /v1/sessions.';

describe.each<[string, () => Promise<string> | string, number, string, string]>([
  ['that nobody signed', () => new UnsecuredJWT(claims()).encode(), 403, 'SESSION_INVALID', notGood],
  ['of another secret', () => signed({}, 'a session secret of gone'), 403, 'SESSION_INVALID', notGood],
  ['of another algorithm', () => signed({}, secret, 'HS512'), 403, 'SESSION_INVALID', notGood],
  ['with another user in it', forged, 403, 'SESSION_INVALID', notGood],
  ['that is not a token', () => 'XYZ', 403, 'SESSION_INVALID', notGood],
  ['that expired', () => signed({ exp: soon() - 61 }), 403, 'SESSION_ENDED', hasEnded],
  ['that was ended', ended, 403, 'SESSION_ENDED', 'The session has ended; a new one is needed.'],
  [
    'of another client',
    () => nodes.token({ client: 'other' }),
    403,
    'SESSION_OF_OTHER_CLIENT',
    'The session is for the client other only.',
  ],
])('a session %s', (_, token, status, code, detail) => {
  it('is refused in the answer to the handshake', async () => {
    const client = await RawClient.open(near.url, `session=${await token()}&EIO=3`);
    await expect(client.refusal()).resolves.toMatchObject({ status, body: { status, code, detail } });
  });

  it.each(generations)('opens no socket for Socket.IO %s', async (generation) => {
    const client = nodes.open(near, { generation, query: { session: await token() } });
    await expect(client.connected()).rejects.toThrow('refused');
    await expect(nodes.openConnections()).resolves.toEqual([]);
  });

  it('is refused with its code and sentence if it is sent with the CONNECT', async () => {
    const client = nodes.open(near, { auth: { token: await token() } });
    await expect(client.troubled()).resolves.toMatchObject([{ what: 'refused', reason: detail, code }]);
    await expect(nodes.openConnections()).resolves.toEqual([]);
  });
});

describe('a handshake', () => {
  it.each<[string, string, string, number, string]>([
    ['at an unknown path', '/socket.io/', 'EIO=4', 404, 'PATH_UNKNOWN'],
    ['at the path of gone', '/socket.io/appsuites/', 'EIO=4', 404, 'PATH_UNKNOWN'],
    ['at no path', '/', 'EIO=4', 404, 'PATH_UNKNOWN'],
    ['without a session', '/socket.io/appsuite/', 'EIO=3', 400, 'SESSION_MISSING'],
    ['with a bad connection id', '/socket.io/appsuite/', 'EIO=4&connection=%20', 400, 'CONNECTION_INVALID'],
  ])('%s is refused', async (_, path, query, status, code) => {
    const client = await RawClient.open(near.url, query, path);
    await expect(client.refusal()).resolves.toMatchObject({ status, body: { code } });
  });

  it('works as the original documents it', async () => {
    const query = `session=${await nodes.token()}&connection=160491815377&EIO=3`;
    const client = await RawClient.open(near.url, query);
    const [open] = await client.packets(1);
    expect(JSON.parse(open!.slice(1))).toMatchObject({
      sid: expect.any(String) as string,
      pingInterval: 25_000,
      pingTimeout: 5000,
    });
    await nodes.dispatch({ payload: { folder: 'default0/INBOX' } });
    await expect(client.packets(3)).resolves.toEqual([open, '40', '42["ox:mail:new",{"folder":"default0/INBOX"}]']);
    client.close();
  });

  it('works without the last slash of the path, and below the path', async () => {
    await nodes.connect(near, '1', { path: '/socket.io/appsuite' });
    await nodes.connect(near, '2', { path: '/socket.io/appsuite/below/' });
    expect((await nodes.openConnections()).sort()).toEqual(['1', '2']);
  });

  it('may send the session as auth.token', async () => {
    const client = await nodes
      .open(near, { auth: { token: await nodes.token() }, query: { connection: '1' } })
      .connected();
    await nodes.dispatch();
    await expect(client.got(1)).resolves.toHaveLength(1);
    await expect(nodes.openConnections()).resolves.toEqual(['1']);
  });

  it.each(['text', '["a"]', '7', '-1', '1.5', '0', 'true', 'null', '{"token":', '"text"', '[]'])(
    'is answered at once if its auth is %s, and a second CONNECT may be accepted',
    async (auth) => {
      for (const query of ['EIO=4', `EIO=4&session=${await nodes.token()}`]) {
        const client = await RawClient.open(near.url, query);
        for (const namespace of ['', '/,']) {
          client.send(`40${namespace}${auth}`);
          const [, ...answers] = await client.packets(namespace === '' ? 2 : 3);
          for (const answer of answers) expect(answer).toMatch(/^44\{.*"AUTH_INVALID"/);
        }
        client.send(`40${JSON.stringify({ token: await nodes.token() })}`);
        await client.packet((packet) => packet.startsWith('40{"sid"'));
        client.close();
      }
    },
  );

  it('is answered once, however often CONNECT is sent', async () => {
    const token = await nodes.token();
    const client = await RawClient.open(near.url, 'EIO=4&connection=1');
    for (let sent = 0; sent < 3; sent++) client.send(`40${JSON.stringify({ token })}`);
    await client.packet((packet) => packet.startsWith('40{"sid"'));
    await client.packet((packet) => packet.includes('CONNECT_REPEATED'));
    await expect(nodes.openConnections()).resolves.toEqual(['1']);
    client.close();
  });

  it.each([[{}], [{ token: '' }], [{ token: 7 }], [{ token: ['a'] }]])('needs a session with %j', async (auth) => {
    const client = nodes.open(near, { auth });
    await expect(client.troubled()).resolves.toMatchObject([{ what: 'refused', code: 'SESSION_MISSING' }]);
  });

  it.each(generations)('for polling is refused to Socket.IO %s', async (generation) => {
    const client = nodes.open(near, { generation, transports: ['polling'], query: { session: await nodes.token() } });
    await expect(client.connected()).rejects.toThrow('refused');
    const url = `${near.url}/socket.io/appsuite/?session=${await nodes.token()}&EIO=4&transport=polling`;
    const answer = await fetch(url);
    expect(answer.status).toBe(400);
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
    expect(await answer.json()).toMatchObject({ code: 'TRANSPORT_UNKNOWN' });
  });

  it.each([
    ['GET', '/socket.io/?EIO=4&transport=polling', 404, 'PATH_UNKNOWN'],
    ['POST', '/socket.io/appsuite/?EIO=4&transport=polling&sid=a', 400, 'TRANSPORT_UNKNOWN'],
    ['GET', '/socket.io/appsuite/', 400, 'TRANSPORT_UNKNOWN'],
    ['GET', '/socket.io/appsuite/?EIO=4&transport=websocket', 400, 'TRANSPORT_UNKNOWN'],
  ])('%s %s without an upgrade is refused so that a page can read why', async (method, path, status, code) => {
    const answer = await fetch(`${near.url}${path}`, { method });
    expect(answer.status).toBe(status);
    expect(answer.headers.get('access-control-allow-origin')).toBe('*');
    expect(await answer.json()).toMatchObject({ code });
    const asked = await fetch(`${near.url}${path}`, { method: 'OPTIONS' });
    expect([asked.status, asked.headers.get('access-control-allow-origin')]).toEqual([204, '*']);
  });

  it('that is refused has CORS headers in its answer', async () => {
    const { headers } = await (await RawClient.open(near.url, 'EIO=3&session=none')).refusal();
    expect(headers.toLowerCase()).toContain('access-control-allow-origin: *');
  });

  it('with a malformed key leaves no connection open', async () => {
    const client = await RawClient.open(
      near.url,
      `session=${await nodes.token()}&connection=1&EIO=4`,
      undefined,
      'short',
    );
    await client.closed();
    await nodes.untilOpen(0);
  });
});

describe('connection ids', () => {
  it.each(generations)('are refused to Socket.IO %s while they are in use, on any node', async (generation) => {
    await nodes.connect(near, '1');
    for (const node of [near, far]) {
      const client = nodes.open(node, { generation, query: { session: await nodes.token(), connection: '1' } });
      await expect(client.connected()).rejects.toThrow('refused');
    }
    const raw = await RawClient.open(far.url, `session=${await nodes.token()}&connection=1&EIO=4`);
    await expect(raw.refusal()).resolves.toMatchObject({ status: 400, body: { code: 'CONNECTION_DUPLICATE' } });
    const late = nodes.open(far, { auth: { token: await nodes.token() }, query: { connection: '1' } });
    await expect(late.troubled()).resolves.toMatchObject([{ code: 'CONNECTION_DUPLICATE' }]);
  });

  it('are free again when their socket is closed', async () => {
    (await nodes.connect(near, '1')).close();
    await nodes.untilOpen(0);
    await nodes.connect(far, '1');
  });

  it('belong to one user', async () => {
    await nodes.connect(near, '1');
    await nodes.connect(near, '1', { query: { session: await nodes.token({ context: 2 }) } });
  });
});

describe('eight sockets', () => {
  it('are the most that a user can open, when nine race over two nodes', async () => {
    const session = await nodes.token();
    const clients = Array.from({ length: 9 }, (_, index) =>
      nodes.open(index % 2 ? near : far, {
        generation: index % 3 ? 'v4' : 'v2',
        query: { session, connection: `${index}` },
      }),
    );
    await Promise.allSettled(clients.map((client) => client.connected()));
    expect(clients.filter(({ isConnected }) => isConnected)).toHaveLength(8);
    await expect(nodes.openConnections()).resolves.toHaveLength(8);
    const raw = await RawClient.open(near.url, `session=${session}&EIO=3`);
    await expect(raw.refusal()).resolves.toMatchObject({ status: 400, body: { code: 'SOCKETS_TOO_MANY' } });
    clients.find(({ isConnected }) => isConnected)?.close();
    await nodes.untilOpen(7);
    await nodes.connect(near, 'ninth');
  });
});

describe('the configuration', () => {
  afterEach(() => {
    nodes.configure('websocket-clients.yml', '');
    nodes.configure('pns.properties', '');
  });

  /** Repeats the handshake until the new configuration is in effect. */
  function connectEventually(path: string, connection: string) {
    return eventually(`${path} is served`, () => nodes.connect(near, connection, { path }).catch(() => undefined));
  }

  it('adds a path without a restart, and open sockets stay open', async () => {
    const before = await nodes.connect(near, 'before');
    nodes.configure(
      'websocket-clients.yml',
      'mine:\n  path: /socket.io/mine/\n  topics: ["*"]\n' +
        'open-xchange-appsuite:\n  path: /socket.io/appsuite/\n  topics: ["ox:mail:*"]\n',
    );
    const mine = await connectEventually('/socket.io/mine/', 'mine');
    await nodes.dispatch({ client: 'mine', topic: 'any:thing' });
    await expect(mine.got(1)).resolves.toHaveLength(1);
    await nodes.dispatch({ client: 'open-xchange-appsuite' });
    await expect(before.got(1)).resolves.toMatchObject([['ox:mail:new', {}]]);
    expect(mine.frames).toHaveLength(1);
  });

  it('limits sockets without a restart', async () => {
    nodes.configure('pns.properties', 'com.openexchange.websockets.maxPerUser=0\n');
    const session = await nodes.token();
    const isRefused = async (): Promise<boolean> => {
      const client = nodes.open(near, { query: { session } });
      const refused = await client.connected().then(
        () => false,
        () => true,
      );
      client.close();
      return refused;
    };
    await eventually('a socket is refused', isRefused);
  });
});

describe('a node', () => {
  it('that cannot reach Redis refuses sockets with that reason, and opens sockets again once it can', async () => {
    const link = await cuttableLink(testRedisUrl());
    const node = await nodes.start(link.url);
    const session = await nodes.token();
    link.cut();
    const client = await RawClient.open(node.url, `session=${session}&EIO=4`);
    const refusal = await client.refusal();
    expect(refusal).toMatchObject({ status: 503, body: { code: 'UNAVAILABLE' } });
    expect(refusal.headers).toMatch(/retry-after: \d/);
    expect((await fetch(`${node.url}/health/ready`)).status).toBe(503);
    link.mend();
    const back = nodes.open(node, { query: { session }, reconnection: true });
    await back.until(() => back.isConnected);
    await nodes.close(node);
    await link.close();
  });

  it.each<[string, (link: CuttableLink) => void]>([
    ['refuses connections', (link) => link.cut()],
    ['does not answer', (link) => link.hold()],
  ])('is ready and opens sockets of users whose settings it does not know while Postgres %s', async (_, end) => {
    const link = await cuttableLink(nodes.databaseUrl);
    const node = await nodes.start(undefined, undefined, [], link.url);
    end(link);
    const ready = await fetch(`${node.url}/health/ready`);
    expect([ready.status, await ready.json()]).toMatchObject([
      200,
      { status: 'ok', parts: { redis: 'ok', postgres: expect.not.stringMatching(/^ok$/) as string } },
    ]);
    const client = await nodes.connect(node, 'without-postgres');
    expect(client.isConnected).toBe(true);
    link.release();
    link.mend();
    await nodes.close(node);
    await link.close();
  });

  it('answers health checks on its own port and on another', async () => {
    const { createServer } = await import('node:http');
    const server = createServer().listen(0);
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    await new Promise((resolve) => server.close(resolve));
    const node = await nodes.start(undefined, port);
    for (const url of [node.url, `http://127.0.0.1:${port}`]) {
      expect((await fetch(`${url}/health/live`)).status).toBe(200);
      expect((await fetch(`${url}/health/ready`)).status).toBe(200);
      expect(await (await fetch(`${url}/metrics`)).text()).toContain('pns_open_sockets');
    }
    expect((await fetch(`${node.url}/elsewhere`)).status).toBe(404);
    await nodes.close(node);
    await expect(fetch(`http://127.0.0.1:${port}/health/live`)).rejects.toThrow();
  });
});
