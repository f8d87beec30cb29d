import { once } from 'node:events';
import { connect } from 'node:net';
import type { FastifyAdapter } from '@nestjs/platform-fastify';
import { httpServer } from './http-server';
import { maxHeaderBytes } from './unparsed-requests';

let adapter: FastifyAdapter;
let port: number;

beforeAll(async () => {
  adapter = httpServer();
  const server = adapter.getInstance();
  server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  server.get('/good', () => 'good');
  server.post('/reading', () => 'read');
  await server.listen({ port: 0, host: '127.0.0.1' });
  ({ port } = server.server.address() as { port: number });
});

afterAll(() => adapter.close());

/** The answers of a connection: status and, for a problem, its code. */
function answersIn(received: string): string[] {
  const heads = received.split(/(?=HTTP\/1\.1 \d)/);
  return heads.map((answer) => `${answer.slice(9, 12)} ${/"code":"(\w+)"/.exec(answer)?.[1] ?? ''}`.trim());
}

/** All answers to these bytes, when the server has closed the connection. */
async function answersTo(bytes: string): Promise<string[]> {
  const socket = connect(port, '127.0.0.1');
  let received = '';
  socket.on('data', (chunk) => (received += chunk.toString()));
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  const closed = once(socket, 'close');
  socket.write(bytes, 'latin1');
  await closed;
  return answersIn(received);
}

const good = 'GET /good HTTP/1.1\r\nHost: a\r\n\r\n';
const chunked = 'POST /reading HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n';
const many = (length: number) => `GET /good HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(length)}\r\n\r\n`;

it.each([
  ['no HTTP', 'hello\r\n\r\n', ['400 REQUEST_MALFORMED']],
  ['TLS', '\x16\x03\x01\x02\0', ['400 REQUEST_MALFORMED']],
  ['an unknown version', 'GET /good HTTP/9.9\r\nHost: a\r\n\r\n', ['400 REQUEST_MALFORMED']],
  ['two framings', chunked.replace('Host', 'Content-Length: 5\r\nHost'), ['400 REQUEST_MALFORMED']],
  ['headers that are too large', many(maxHeaderBytes), ['431 HEADERS_TOO_LARGE']],
  ['headers of many megabytes', many(8 * 1024 * 1024), ['431 HEADERS_TOO_LARGE']],
  ['a target that is too long', `GET /${'a'.repeat(maxHeaderBytes)} HTTP/1.1\r\n\r\n`, ['431 HEADERS_TOO_LARGE']],
  ['a bad chunk in a body that is read', `${chunked}x`, ['400 REQUEST_MALFORMED']],
  ['a bad request behind good ones', `${good}${good}hello`, ['200', '200', '400 REQUEST_MALFORMED']],
  ['a bad body behind a good request', `${good}${chunked}x`, ['200', '400 REQUEST_MALFORMED']],
])(
  'bytes that Node cannot parse, %s, are refused with a problem, in the order of the requests',
  async (_, bytes, answers) => {
    expect(await answersTo(bytes)).toEqual(answers);
  },
);
