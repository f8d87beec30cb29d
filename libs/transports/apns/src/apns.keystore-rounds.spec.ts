import { keystoreRounds } from './apns.keystore-rounds';

/** A value with its tag and length in DER. */
function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const length = Buffer.alloc(3);
  length.writeUIntBE(content.length, 0, 3);
  return Buffer.concat([Buffer.from([tag, 0x83]), length, content]);
}

const [integer, octets, sequence] = [0x02, 0x04, 0x30];
const salt = der(octets, Buffer.alloc(8, 1));
const rounds = (hex: string) => der(integer, Buffer.from(hex, 'hex'));
const derivation = (hex: string) => der(sequence, salt, rounds(hex));

it.each<[what: string, file: Buffer, expected: number]>([
  ['the rounds behind a salt', derivation('0800'), 2048],
  ['the rounds of all keys', der(sequence, derivation('0800'), derivation('1000')), 6144],
  ['the rounds inside an octet string', der(sequence, der(octets, der(sequence, derivation('0800')))), 2048],
  ['a large number of rounds', derivation('7fffffffffffffff'), 2 ** 63],
  ['no version number', der(sequence, rounds('03'), salt), 0],
  ['nothing in bytes that are not DER', Buffer.from('hello'), 0],
  ['nothing in a truncated file', derivation('0800').subarray(0, 10), 0],
  ['nothing in an empty file', Buffer.alloc(0), 0],
])('counts %s', (_, file, expected) => expect(keystoreRounds(file)).toBe(expected));

it.each<[what: string, wrapped: (inner: Buffer) => Buffer]>([
  ['sequences', (inner) => der(sequence, inner)],
  ['octet strings', (inner) => der(sequence, der(octets, inner))],
])('reads nested %s only down to a limit', (_, wrapped) => {
  let file = derivation('0800');
  for (let levels = 0; levels < 5000; levels++) file = wrapped(file);
  expect(keystoreRounds(file)).toBe(0);
});
