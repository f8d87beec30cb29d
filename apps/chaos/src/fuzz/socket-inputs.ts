import { wellFormed } from '@pns/payloads';
import fc from 'fast-check';
import { bytesOf, hostileJson, hostileText } from './hostile-values';

/** A Web Socket frame (RFC 6455, 5.2). */
export interface Frame {
  /** FIN, the reserved bits and the opcode. */
  readonly first: number;
  /** The payload, as Latin-1 text. */
  readonly payload: string;
  /** How the length is encoded: in the required form, in a longer form, or with a wrong value. */
  readonly length: 'usual' | 'medium' | 'long' | 'huge';
  readonly isMasked: boolean;
}

/** A client's connection: its handshake and the frames after it. */
export interface SocketInput {
  readonly path: string;
  /** The query, with `~session~` in place of a token. */
  readonly query: string;
  readonly headers: string;
  /** The first frame of a client of Socket.IO 4; if it is empty, no such frame is sent. */
  readonly connect: string;
  readonly frames: readonly Frame[];
}

const text = 0x81;

/** Packets of Engine.IO and Socket.IO, most of them with a fault. */
const packets = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .tuple(
        fc.constantFrom('4', '4', '4', '4', '0', '1', '2', '3', '5', '6', '7', 'b', ''),
        fc.constantFrom('2', '2', '0', '1', '3', '4', '5', '6', '9', ''),
        fc.constantFrom('', '', '', '1-', '9999999999-', '-1-', '0-'),
        fc.constantFrom('', '', '', '/', '/a,', '/,', '/socket.io?a=b,', `/${'a'.repeat(500)},`),
        fc.constantFrom('', '', '1', '12', '99999999999999999999', '-1'),
        fc.oneof(
          hostileJson,
          hostileJson.map((json) => `["a",${json}]`),
          hostileText,
          fc.constant('["_placeholder",{"_placeholder":true,"num":0}]'),
        ),
      )
      .map((parts) => parts.join('')),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      ...[
        '2',
        '2probe',
        '3',
        '3probe',
        '5',
        '1',
        '41',
        '40',
        '40/a,',
        '40{"token":1}',
        '42["ox:mail:new"]',
        '42["disconnect"]',
      ],
      ...[
        '42["connect"]',
        '42["error"]',
        '42["message:undefined"]',
        '451-["a",{"_placeholder":true,"num":0}]',
        '43[]',
        '44"x"',
        '42[]',
      ],
      ...['420["__proto__"]', '42["connect_error",{}]', '42["notifications:missed"]', '42[null]', '42[{}]', '4', '42'],
    ),
  },
  { weight: 1, arbitrary: hostileText },
);

const frames: fc.Arbitrary<Frame> = fc.oneof(
  {
    weight: 8,
    arbitrary: packets.map((packet): Frame => ({
      first: text,
      payload: bytesOf(packet),
      length: 'usual',
      isMasked: true,
    })),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      first: fc.oneof(
        fc.constantFrom(0x82, 0x01, 0x00, 0x80, 0x88, 0x89, 0x8a, 0x08, 0x09, 0xc1, 0xf1, 0x83),
        fc.nat(255),
      ),
      payload: fc.oneof(
        packets.map(bytesOf),
        fc.constantFrom('', '\x03\xe8', '\x00', '\x03\xe8\xff', 'a'.repeat(130)),
        fc.constant('\xff\xfe'),
      ),
      length: fc.constantFrom('usual', 'usual', 'medium', 'long', 'huge'),
      isMasked: fc.constantFrom(true, true, true, false),
    }),
  },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(70_000, 1_100_000)
      .map((size): Frame => ({ first: text, payload: `42["${'a'.repeat(size)}"]`, length: 'usual', isMasked: true })),
  },
);

const oddQueries = fc.oneof(
  hostileText.map((value) => `&session=${encodeURIComponent(wellFormed(value))}`),
  hostileText.map((value) => `&connection=${encodeURIComponent(wellFormed(value))}`),
  hostileText.map((value) => `&transport=${encodeURIComponent(wellFormed(value))}`),
  fc.constantFrom(
    '&EIO=5',
    '&EIO=',
    '&EIO=4&EIO=3',
    '&sid=a',
    '&meta=1',
    '&b64=1',
    '&j=0',
    '&t=a',
    '&%',
    '&__proto__=1',
    `&a=${'b'.repeat(3000)}`,
  ),
);

const oddHeaders = fc.constantFrom(
  ...[
    'Sec-WebSocket-Extensions: permessage-deflate\r\n',
    'Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=99\r\n',
  ],
  ...[
    'Sec-WebSocket-Protocol: a, b\r\n',
    'Sec-WebSocket-Version: 8\r\n',
    'Sec-WebSocket-Key: \r\n',
    'Origin: null\r\n',
    'Content-Length: 5\r\n',
  ],
  ...['X-Forwarded-For: 1.2.3.4, x\r\n', 'Cookie: io=a\r\n', 'Connection: close\r\n', 'Transfer-Encoding: chunked\r\n'],
);

const seldom = (odd: fc.Arbitrary<string>) =>
  fc.oneof({ weight: 6, arbitrary: fc.constant('') }, { weight: 1, arbitrary: odd });

/** Clients of Engine.IO 3 and 4. Most open a socket and then send hostile frames; some have a hostile handshake. */
export const socketInputs: fc.Arbitrary<SocketInput> = fc
  .tuple(
    fc.constantFrom(3, 4),
    seldom(oddQueries),
    seldom(oddHeaders),
    fc.constantFrom(
      ...[
        '/socket.io/appsuite/',
        '/socket.io/appsuite/',
        '/socket.io/appsuite/',
        '/socket.io/appsuite/',
        '/socket.io/',
      ],
      '/socket.io/appsuite/..',
      '/',
    ),
    fc.oneof(
      { weight: 3, arbitrary: fc.constant('40') },
      { weight: 1, arbitrary: hostileJson.map((json) => bytesOf(`40${json}`)) },
      { weight: 1, arbitrary: fc.constant('') },
    ),
    fc.array(frames, { maxLength: 8 }),
    fc.constantFrom('&session=~session~', '&session=~session~', '&session=~session~', ''),
  )
  .map(([generation, odd, headers, path, connect, sent, session]) => ({
    path,
    query: `EIO=${generation}&transport=websocket${session}${odd}`,
    headers,
    connect: generation === 4 ? connect : '',
    frames: sent,
  }));

/** The bytes of a frame. The mask is zero. */
export function frameBytes({ first, payload, length, isMasked }: Frame): Buffer {
  const bytes = Buffer.from(payload, 'latin1');
  const mask = isMasked ? Buffer.alloc(4) : Buffer.alloc(0);
  return Buffer.concat([Buffer.of(first & 0xff), lengthBytes(bytes.length, length, isMasked), mask, bytes]);
}

function lengthBytes(size: number, form: Frame['length'], isMasked: boolean): Buffer {
  const mask = isMasked ? 0x80 : 0;
  if (form === 'huge') return Buffer.of(mask | 127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
  if (form === 'long' || size > 0xffff) {
    const long = Buffer.alloc(9);
    long.writeUInt8(mask | 127);
    long.writeBigUInt64BE(BigInt(size), 1);
    return long;
  }
  if (form === 'medium' || size > 125) return Buffer.of(mask | 126, size >> 8, size & 0xff);
  return Buffer.of(mask | size);
}
