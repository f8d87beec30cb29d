import fc from 'fast-check';
import { CollectedBytes } from './collected-bytes';

function collected(chunks: readonly Buffer[]): CollectedBytes {
  const bytes = new CollectedBytes();
  for (const chunk of chunks) bytes.add(chunk);
  return bytes;
}

it('contains the bytes of all chunks in order', () => {
  const chunk = fc.oneof(fc.uint8Array({ maxLength: 5 }), fc.uint8Array({ minLength: 1000, maxLength: 3000 }));
  fc.assert(
    fc.property(fc.array(chunk, { maxLength: 30 }), (arrays) => {
      const chunks = arrays.map((each) => Buffer.from(each));
      const bytes = collected(chunks);
      expect(Buffer.concat(bytes.parts()).equals(Buffer.concat(chunks))).toBe(true);
      expect(bytes.length).toBe(Buffer.concat(chunks).length);
    }),
  );
});

it('needs few buffers for many small chunks, also between large ones', () => {
  const byte = Buffer.from('x');
  expect(collected(Array.from({ length: 100_000 }, () => byte)).parts().length).toBeLessThan(20);
  const large = Buffer.alloc(1024);
  const mixed = collected(Array.from({ length: 2000 }, (_, index) => (index % 2 === 0 ? byte : large))).parts();
  expect(mixed.length).toBeLessThanOrEqual(2000);
  expect(new Set(mixed.map(({ buffer }) => buffer)).size).toBeLessThan(10);
});

it('does not copy a single chunk', () => {
  const chunk = Buffer.from('{}');
  expect(collected([chunk]).parts()[0]).toBe(chunk);
});
