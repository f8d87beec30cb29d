import { apiKey } from '@pns/e2e';
import fc from 'fast-check';
import { forEachOf, type Finding, type FuzzPart } from './fuzz-part';
import type { FuzzStack } from './fuzz-stack';
import { broken } from './hostile-values';
import { RawConnection } from './raw-connection';
import { refusedChanges } from './refused-changes';

/** Bytes for a new connection, in pieces that are sent one after the other. */
interface RawHttpInput {
  readonly server: 'api' | 'worker-websocket';
  readonly pieces: readonly string[];
}

const host = 'Host: a\r\n';
const key = `Authorization: Bearer ${apiKey}\r\n`;
const entry = '{"context":901,"user":1,"topic":"a","payload":{}}';

const requestLines = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom(
      'POST /v1/notifications HTTP/1.1',
      'GET /v1/contexts HTTP/1.1',
      'PUT /v1/contexts/901 HTTP/1.1',
    ),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      ...['GET / HTTP/1.0', 'GET /health/live HTTP/1.1', 'GET http://a/v1/contexts HTTP/1.1', 'CONNECT a:1 HTTP/1.1'],
      ...['GET /socket.io/appsuite/?EIO=4&transport=websocket HTTP/1.1', 'OPTIONS * HTTP/1.1', 'GET // HTTP/1.1'],
      ...['GET /', 'GET  /  HTTP/1.1', 'GET / HTTP/9.9', 'GET / HTTP/1.1 x', 'get / HTTP/1.1', '\0 / HTTP/1.1', ''],
      ...[
        'PRI * HTTP/2.0\r\n\r\nSM',
        '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03',
        `GET /${'a'.repeat(20_000)} HTTP/1.1`,
      ],
      ...['DELETE /v1/subscriptions?context=901&user=9 HTTP/1.1', 'TRACE / HTTP/1.1', 'QUERY / HTTP/1.1'],
    ),
  },
);

const headerLines = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.constantFrom(key, 'Content-Type: application/json\r\n', 'Content-Type: application/x-ndjson\r\n'),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      ...['Connection: close\r\n', 'Connection: keep-alive, Upgrade\r\n', 'Connection: x, \0\r\n', 'Upgrade: h2c\r\n'],
      ...['Upgrade: websocket\r\nConnection: Upgrade\r\n', 'Sec-WebSocket-Version: 13\r\n', 'Sec-WebSocket-Key: a\r\n'],
      ...['Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n', 'Sec-WebSocket-Extensions: permessage-deflate; x=\r\n'],
      ...[
        'Expect: 100-continue\r\n',
        'Expect: x\r\n',
        'Host: b\r\n',
        'Host: \r\n',
        ' folded: 1\r\n',
        'a\r\n',
        ': b\r\n',
      ],
      ...[
        'A : b\r\n',
        'A: b\rC: d\r\n',
        'A: b\nC: d\n',
        'A: \0\r\n',
        'A: \x7f\r\n',
        'Trailer: X\r\n',
        'TE: trailers\r\n',
      ],
      ...['X-Forwarded-For: , ,\r\n', 'Forwarded: for="\r\n', 'Authorization: Basic \r\n', 'Cookie: \xff=\r\n'],
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom('A: b\r\n', 'Cookie: a=b\r\n', 'A\r\n'), fc.constantFrom(90, 1100, 2500))
      .map(([line, times]) => line.repeat(times)),
  },
  { weight: 1, arbitrary: fc.constantFrom(8000, 17_000).map((length) => `X-Long: ${'a'.repeat(length)}\r\n`) },
);

/** The headers that say where the body ends, and the body. */
const framings = fc.oneof(
  fc.constantFrom(['', ''] as const),
  fc.constant([`Content-Length: ${entry.length}\r\n`, entry] as const),
  fc
    .constantFrom('0', '-1', '+5', '5, 5', '5\r\nContent-Length: 6', '1e1', '0x5', '99999999999999999999', '999', ' ')
    .map((length) => [`Content-Length: ${length}\r\n`, entry] as const),
  fc
    .tuple(
      fc.constantFrom(
        'chunked',
        'Chunked',
        'chunked, gzip',
        'gzip, chunked',
        'identity',
        'x\0',
        'chunked\r\nContent-Length: 5',
      ),
      chunks(),
    )
    .map(([coding, body]) => [`Transfer-Encoding: ${coding}\r\n`, body] as const),
);

function chunks(): fc.Arbitrary<string> {
  const good = `${entry.length.toString(16)}\r\n${entry}\r\n0\r\n\r\n`;
  return fc.oneof(
    fc.constant(good),
    broken(fc.constant(good)),
    fc.constantFrom(
      ...[
        '0\r\n\r\n',
        'g\r\n',
        '-1\r\na\r\n',
        'ffffffffffffffff\r\na',
        '1;x="\r\na\r\n0\r\n\r\n',
        '1 \r\na\r\n',
        '1\na\n0\n\n',
      ],
      ...['0\r\nX: y\r\n\r\n', `0\r\n${'X: y\r\n'.repeat(2000)}\r\n`, `1;${'a'.repeat(20_000)}\r\na\r\n0\r\n\r\n`],
      '1\r\na\r\n'.repeat(3000),
    ),
  );
}

const requests = fc
  .tuple(
    requestLines,
    fc.boolean(),
    fc.array(headerLines, { maxLength: 5 }),
    framings,
    fc.constantFrom('\r\n', '\r\n', '\r\n', '\n', '\r', ''),
  )
  .map(
    ([line, hasHost, headers, [framing, body], end]) =>
      `${line}\r\n${hasHost ? host : ''}${headers.join('')}${framing}${end}${body}`,
  );

/** One request, or several requests that are sent without waiting for answers. */
const streams = fc.oneof(
  { weight: 4, arbitrary: requests },
  { weight: 2, arbitrary: broken(requests) },
  {
    weight: 1,
    arbitrary: fc
      .array(fc.oneof(requests, fc.constant(`GET /health/live HTTP/1.1\r\n${host}\r\n`)), {
        minLength: 2,
        maxLength: 12,
      })
      .map((some) => some.join('')),
  },
  { weight: 1, arbitrary: fc.constant(`GET /v1/contexts HTTP/1.1\r\n${host}${key}\r\n`.repeat(60)) },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('latin1')) },
);

const atOnce = 32;

/** A client waits this long for the answers before it ends its side, in ms. Incomplete requests get no answer. */
const answerWithinMs = 200;

/** Sends bytes to the servers of the API and of Web Sockets: HTTP requests that are almost valid, and other bytes. */
export class RawHttpPart implements FuzzPart<RawHttpInput> {
  readonly name = 'raw-http';
  readonly weight = 12;
  readonly inputs: fc.Arbitrary<RawHttpInput> = fc.record({
    server: fc.constantFrom('api', 'api', 'worker-websocket'),
    pieces: fc.tuple(streams, fc.array(fc.nat(), { maxLength: 3 })).map(([bytes, cuts]) => cutAt(bytes, cuts)),
  });

  constructor(private readonly stack: FuzzStack) {}

  async tryAll(inputs: readonly RawHttpInput[]): Promise<Finding[]> {
    const findings: Finding[] = [];
    const refused: RawHttpInput[] = [];
    await forEachOf(inputs, atOnce, async (input) => {
      const { fault, isRefused } = await this.send(input);
      if (fault !== undefined) findings.push({ part: this.name, fault, input });
      else if (isRefused) refused.push(input);
    });
    const changes = await refusedChanges(
      this.stack.state,
      refused,
      async (input) => (await this.send(input)).isRefused,
    );
    return [...findings, ...changes.map(({ input, fault }) => ({ part: this.name, fault, input }))];
  }

  private async send({ server, pieces: some }: RawHttpInput): Promise<{ fault?: string; isRefused: boolean }> {
    const connection = await RawConnection.open(this.stack.system.app(server).port);
    for (const piece of some) await connection.write(piece);
    const requests = requestsIn(some.join(''));
    // The client waits for the answers first, because Node does not answer the open requests of a client that ends its side.
    await connection.until((received) => statusesIn(received).length >= requests, answerWithinMs);
    const isClosed = await connection.end();
    const statuses = statusesIn(connection.received);
    // A request without an answer may have been accepted, so it does not count as refused.
    const isRefused = statuses.length >= requests && statuses.every((status) => status >= 400 && status < 500);
    if (!isClosed) return { fault: 'The server did not close the connection after its client did.', isRefused };
    const bad = statuses.find((status) => status >= 500 && status !== 503);
    return bad === undefined ? { isRefused } : { fault: `The answer is ${bad}.`, isRefused };
  }
}

function cutAt(bytes: string, cuts: readonly number[]): string[] {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((one, other) => one - other), bytes.length];
  return places.slice(1).map((place, index) => bytes.slice(places[index], place));
}

/** The largest number of requests that the bytes may contain. */
function requestsIn(bytes: string): number {
  return bytes.match(/HTTP\/\d/g)?.length ?? 0;
}

/** The statuses of the final answers. Bodies of our answers contain no line like a status line. */
function statusesIn(received: Buffer): number[] {
  const found = received.toString('latin1').matchAll(/HTTP\/1\.[01] (\d{3})[ \r]/g);
  return [...found].map(([, status]) => Number(status)).filter((status) => status >= 200);
}
