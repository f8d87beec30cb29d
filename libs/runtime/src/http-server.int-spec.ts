import { EventEmitter, once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import { httpServer } from './http-server';
import { maxPipelinedRequests } from './pipelined-requests';
import { maxUnreadBytes } from './unread-body';

let adapter: FastifyAdapter;
let port: number;
let largeServed = 0;
const served = new EventEmitter();

beforeAll(async () => {
  adapter = httpServer();
  const server = adapter.getInstance();
  server.get('/good', () => 'good');
  server.get('/large', () => {
    largeServed++;
    served.emit('large');
    return Buffer.alloc(64 * 1024 * 1024);
  });
  server.get('/parameter/:name', () => 'parameter');
  server.post('/refusing', { onRequest: (_request, reply) => void reply.code(401).send('no') }, () => 'read');
  await server.listen({ port: 0, host: '127.0.0.1' });
  ({ port } = server.server.address() as { port: number });
});

afterAll(() => adapter.close());

/** A connection, and the bytes received on it so far. */
class Client {
  received = '';

  private constructor(readonly socket: Socket) {
    socket.on('data', (chunk) => (this.received += chunk.toString()));
    socket.on('error', () => undefined);
  }

  static async open(to = port): Promise<Client> {
    const socket = connect(to, '127.0.0.1');
    await once(socket, 'connect');
    return new Client(socket);
  }

  /** Resolves when this number of answers has arrived. */
  async answers(count: number): Promise<string[]> {
    for (;;) {
      const statuses = [...this.received.matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status = '']) => status);
      if (statuses.length >= count) return statuses;
      await once(this.socket, 'data');
    }
  }
}

async function answerTo(head: string, to = port): Promise<string> {
  const client = await Client.open(to);
  client.socket.write(`${head}\r\n\r\n`);
  await client.answers(1);
  client.socket.destroy();
  return client.received;
}

it.each([
  ['a path', 'GET /good HTTP/1.1\r\nHost: a', '200'],
  ['an absolute target', 'GET http://evil/good HTTP/1.1\r\nHost: a', '400'],
  ['two slashes', 'GET //evil/good HTTP/1.1\r\nHost: a', '400'],
  ['two slashes at no path', 'GET //nothing HTTP/1.1\r\nHost: a', '400'],
  ['a backslash', 'GET /\\good HTTP/1.1\r\nHost: a', '400'],
  ['two hosts', 'GET /good HTTP/1.1\r\nHost: a\r\nHost: b', '400'],
  ['one host twice', 'GET /good HTTP/1.1\r\nHost: a\r\nhost: a', '400'],
  [
    'two hosts behind two thousand headers',
    `GET /good HTTP/1.1\r\nHost: a\r\n${'X: a\r\n'.repeat(2000)}Host: b`,
    '400',
  ],
  ['a fragment', 'GET /good#x HTTP/1.1\r\nHost: a', '400'],
  ['two hosts in one', 'GET /good HTTP/1.1\r\nHost: a, b', '400'],
  ['no host', 'GET /good HTTP/1.1', '400'],
])('a request with %s: %j is answered %s', async (_, head, status) => {
  expect(await answerTo(head)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
});

it('answers a malformed request with a problem that contains the reason', async () => {
  const answer = await answerTo('GET //good HTTP/1.1\r\nHost: a');
  expect(answer).toMatch(/content-type: application\/problem\+json/i);
  expect(JSON.parse(answer.split('\r\n\r\n')[1] ?? '')).toEqual({
    type: 'urn:pns:problem:request-malformed',
    title: 'The request cannot be read',
    status: 400,
    detail: 'The request target must be a path that begins with a single slash.',
    code: 'REQUEST_MALFORMED',
  });
});

it('serves a request that arrives while the server closes, and closes its connection', async () => {
  const closing = httpServer();
  const server = closing.getInstance();
  let answer = '';
  server.get('/good', () => 'good');
  server.addHook('preClose', async () => {
    answer = await answerTo('GET /good HTTP/1.1\r\nHost: a', (server.server.address() as { port: number }).port);
  });
  await server.listen({ port: 0, host: '127.0.0.1' });
  await closing.close();
  expect(answer).toMatch(/^HTTP\/1\.1 200 .*^connection: close\r$.*good$/ims);
});

const post = (length: number) => `POST /refusing HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`;

it('serves the next request of a connection whose body was not read', async () => {
  const client = await Client.open();
  client.socket.write(post(500_000));
  await client.answers(1);
  client.socket.write('x'.repeat(500_000));
  client.socket.write('GET /good HTTP/1.1\r\nHost: a\r\n\r\n');
  expect(await client.answers(2)).toEqual(['401', '200']);
  client.socket.destroy();
});

it.each([
  ['of known length', post(10 * maxUnreadBytes), 'x'.repeat(64 * 1024)],
  [
    'in chunks',
    'POST /refusing HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n',
    `10000\r\n${'x'.repeat(65536)}\r\n`,
  ],
  [
    'of a malformed path',
    `POST /%zz HTTP/1.1\r\nHost: a\r\nContent-Length: ${10 * maxUnreadBytes}\r\n\r\n`,
    'x'.repeat(64 * 1024),
  ],
])('ends a connection whose unread body is too long, %s', async (_, head, part) => {
  const client = await Client.open();
  const closed = new Promise((resolve) => client.socket.once('close', resolve));
  client.socket.write(head);
  await client.answers(1);
  let sent = 0;
  while (!client.socket.destroyed && sent < 100 * maxUnreadBytes) {
    sent += part.length;
    if (!client.socket.write(part)) await Promise.race([once(client.socket, 'drain'), closed]).catch(() => undefined);
  }
  await closed;
  expect(sent).toBeLessThan(100 * maxUnreadBytes);
});

describe('pipelined requests of a connection', () => {
  const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`;

  it('are answered in their order', async () => {
    const client = await Client.open();
    client.socket.write([get('/good'), get('//bad'), post(0), get('/nothing'), get('/good')].join(''));
    expect(await client.answers(5)).toEqual(['200', '400', '401', '404', '200']);
    client.socket.write(get('/good'));
    expect(await client.answers(6)).toHaveLength(6);
    client.socket.destroy();
  });

  it('are served one after the other, and not while the client reads no answers', async () => {
    const client = await Client.open();
    client.socket.pause();
    client.socket.write(get('/large').repeat(50));
    await once(served, 'large');
    // While requests on another connection are served, a faulty server would start the waiting requests.
    for (let turns = 0; turns < 20; turns++) await answerTo('GET /good HTTP/1.1\r\nHost: a');
    expect(largeServed).toBe(1);
    client.socket.destroy();
  });

  const expecting = 'GET /good HTTP/1.1\r\nHost: a\r\nExpect: more\r\n\r\n';
  const longParameter = get(`/parameter/${'a'.repeat(101)}`);

  it('are answered in their order, also those for which no hook runs', async () => {
    const client = await Client.open();
    const requests = [get('/good'), get('/%zz'), get('/nothing'), longParameter, expecting, get('/%zz'), get('/good')];
    client.socket.write(requests.join(''));
    expect(await client.answers(7)).toEqual(['200', '400', '404', '400', '417', '400', '200']);
    client.socket.destroy();
  });

  it.each([
    ['routed', get('/good'), get('/good')],
    ['malformed', get('/%zz'), get('/%zz')],
    ['malformed behind a good one', get('/good'), get('/%zz')],
    ['with a parameter that is too long', get('/good'), longParameter],
    ['with an unknown expectation', get('/good'), expecting],
  ])('end the connection when there are too many: %s', async (_, first, other) => {
    const client = await Client.open();
    const closed = once(client.socket, 'close');
    client.socket.write(first + other.repeat(maxPipelinedRequests + 1));
    await closed;
    expect(await answerTo('GET /good HTTP/1.1\r\nHost: a')).toContain('200');
  });
});

it('reads no body of any type', async () => {
  const parse = jest.spyOn(JSON, 'parse');
  for (const path of ['/refusing', '/nothing', '/good']) {
    const type = { 'content-type': 'application/json' };
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', headers: type, body: '[1]' });
    expect(answer.status).toBeGreaterThanOrEqual(400);
  }
  expect(parse).not.toHaveBeenCalled();
  parse.mockRestore();
});

it('limits the arrival of the request head to 15 seconds', () => {
  const { server } = adapter.getInstance();
  expect(server.headersTimeout).toBe(15_000);
  expect(server.requestTimeout).toBe(15_000);
});

it('refuses a route with a schema of Fastify, whose compiler is not loaded', async () => {
  const other = httpServer();
  const server = other.getInstance();
  server.get('/', { schema: { querystring: { type: 'object' } } }, () => 'read');
  await expect(server.ready()).rejects.toThrow('use zod');
  await other.close();
});
