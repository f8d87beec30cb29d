import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { GuardedClient } from './guarded-client';

const interim = (status: number) => `HTTP/1.1 ${status} Any\r\nlink: </style.css>; rel=preload\r\n\r\n`;
const final = (status = 200, body = '') => `HTTP/1.1 ${status} Any\r\ncontent-length: ${body.length}\r\n\r\n${body}`;

let server: Server;
let client: GuardedClient;
let connections: number;
let requests: number;
/** The receiver's reaction to a request. */
let answer: (socket: Socket) => unknown;
let origin: string;

beforeEach(async () => {
  connections = requests = 0;
  server = createServer((socket) => {
    connections++;
    let received = '';
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      received += chunk.toString();
      if (!received.endsWith('{}')) return;
      received = '';
      requests++;
      answer(socket);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const options = { allowedNetworks: ['127.0.0.0/8'], maxConnections: 1, timeoutMillis: 25_000 };
  client = new GuardedClient(options, () => []);
});

afterEach(async () => {
  await client.close();
  server.close();
});

const post = () => client.post({ origin, path: '/' }, {}, '{}', new AbortController().signal);

/** Writes each text in a separate packet, in a later turn of the event loop, so that the client reads them one by one. */
function apart(socket: Socket, texts: readonly string[]): void {
  socket.setNoDelay(true);
  const [first, ...rest] = texts;
  if (first !== undefined) socket.write(first, () => setImmediate(() => apart(socket, rest)));
}

describe.each<[string, string[]]>([
  ['100 Continue', [interim(100)]],
  ['102 Processing', [interim(102)]],
  ['103 Early Hints', [interim(103)]],
  ['three of them', [interim(100), interim(103), interim(100)]],
  ['as many as are read', Array<string>(32).fill(interim(100))],
])('a receiver that sends %s unasked before its answer', (_, interims) => {
  it('is judged by its answer in the same packet, and its connection is used again', async () => {
    answer = (socket) => socket.write(interims.join('') + final(200, 'HTTP/1.1 100 Continue\r\n\r\n'));
    for (let i = 0; i < 3; i++) expect(await post()).toMatchObject({ status: 200 });
    answer = (socket) => socket.write(final(429));
    expect(await post()).toMatchObject({ status: 429 });
    expect([requests, connections]).toEqual([4, 1]);
  });

  it('is judged by its answer in a separate packet', async () => {
    answer = (socket) => apart(socket, [...interims, final()]);
    for (let i = 0; i < 3; i++) expect(await post()).toMatchObject({ status: 200 });
    expect([requests, connections]).toEqual([3, 1]);
  });

  it('is judged by its answer that arrives byte by byte', async () => {
    answer = (socket) => apart(socket, [...(interims[0] ?? ''), ...final(204)]);
    expect(await post()).toMatchObject({ status: 204 });
  });

  it('has not answered if nothing else arrives', async () => {
    answer = (socket) => socket.end(interims.join(''));
    await expect(post()).rejects.toMatchObject({ code: 'UND_ERR_SOCKET' });
  });
});

it('a receiver that sends too many of them has failed', async () => {
  answer = (socket) => socket.write(interim(100).repeat(33) + final());
  await expect(post()).rejects.toMatchObject({ code: 'TOO_MANY_INTERIM_ANSWERS' });
  answer = (socket) => socket.write(final());
  expect(await post()).toMatchObject({ status: 200 });
});

it('a receiver that changes the protocol unasked has failed', async () => {
  answer = (socket) =>
    socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n' + final());
  await expect(post()).rejects.toMatchObject({ code: 'UND_ERR_SOCKET' });
});
