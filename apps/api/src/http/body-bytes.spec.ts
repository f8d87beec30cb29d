import { Readable } from 'node:stream';
import { errorCodes } from 'fastify';
import { bodyBytes } from './body-bytes';

const mebibyte = 2 ** 20;
const chunk = (index: number, bytes: number): Buffer => Buffer.alloc(bytes, String(index % 10));
const chunks = (count: number, bytes: number): Buffer[] => Array.from({ length: count }, (_, at) => chunk(at, bytes));

it.each([
  ['nothing', []],
  ['one chunk', chunks(1, 100)],
  ['a few chunks', chunks(3, 100)],
  ['chunks of a large body', chunks(100, 65_537)],
  ['one large chunk', chunks(1, 3 * mebibyte)],
])('returns %s as it arrived', async (_, sent) => {
  const bytes = await bodyBytes(Readable.from(sent), NaN, 16 * mebibyte);
  expect(bytes.equals(Buffer.concat(sent))).toBe(true);
});

it('refuses a body that is announced as too large before it reads', async () => {
  const payload = Readable.from(chunks(1, 10));
  await expect(bodyBytes(payload, 11, 10)).rejects.toThrow(errorCodes.FST_ERR_CTP_BODY_TOO_LARGE);
  expect(payload.readableDidRead).toBe(false);
});

it('refuses a body that turns out too large', async () => {
  const unannounced = Readable.from(chunks(17, 65_536));
  await expect(bodyBytes(unannounced, NaN, mebibyte)).rejects.toThrow(errorCodes.FST_ERR_CTP_BODY_TOO_LARGE);
});

it('rejects when the sender breaks off', async () => {
  const broken = new Readable({ read: () => undefined });
  const read = bodyBytes(broken, NaN, mebibyte);
  broken.destroy(new Error('aborted'));
  await expect(read).rejects.toThrow('aborted');
});

it('lets the process serve others while a large body is read', async () => {
  let turns = 0;
  const count = (): void => {
    turns++;
    next = setImmediate(count);
  };
  let next = setImmediate(count);
  const payload = new Readable({ read: () => undefined, highWaterMark: 32 * mebibyte });
  for (const each of chunks(256, 65_536)) payload.push(each);
  payload.push(null);
  await bodyBytes(payload, NaN, 16 * mebibyte);
  clearImmediate(next);
  expect(turns).toBeGreaterThanOrEqual(64); // 16 MiB in steps of 256 KiB
});
