const MiB = 2 ** 20;

/** Repeats a unit between `open` and `close` until the body has this many bytes. */
function filled(bytes: number, unit: (index: number) => string, open = '', close = ''): string {
  const units: string[] = [];
  for (let length = 0, index = 0; length < bytes; index++) {
    units.push(unit(index));
    length += (units.at(-1) as string).length + 1;
  }
  return `${open}${units.join(',')}${close}`;
}

const payload64 = (unit: (index: number) => string, open = '{', close = '}') => filled(63_000, unit, open, close);
const entry = (payload: string, user = '"user":1') => `{"context":1,${user},"topic":"x","payload":${payload}}`;
const batchOf = (share: number, payload: string) => {
  const count = Math.floor((3 * MiB * share) / payload.length);
  return `{"notifications":[${Array<string>(count).fill(entry(payload)).join(',')}]}`;
};
const users = `"users":[${Array.from({ length: 1000 }, (_, index) => index + 1).join(',')}]`;

/**
 * The bodies that take longest to read, as far as we know. With a `share` of 1, each body is as long as a body may be, or long
 * enough to take a noticeable time.
 */
export const largeBodies: readonly (readonly [name: string, text: (share: number) => string])[] = [
  ['brackets', (share) => '['.repeat(16e6 * share)],
  ['objects in each other', (share) => '{"a":'.repeat(3.2e6 * share)],
  ['a list of empty objects', (share) => filled(4 * MiB * share, () => '{}', '{"notifications":[', ']}')],
  ['a list of brackets', (share) => `{"notifications":[${'['.repeat(15e6 * share)}]}`],
  ['many members', (share) => filled(4 * MiB * share, (index) => `"${index.toString(36)}":0`, '{', '}')],
  [
    'members that are numbers',
    (share) => filled(4 * MiB * share, (index) => `"${(index * 2 ** 20) % (2 ** 32 - 2)}":0`, '{', '}'),
  ],
  ['many numbers', (share) => filled(4 * MiB * share, () => '1e300', entry('{"a":[').slice(0, -1), ']}}')],
  ['long numbers', (share) => filled(4 * MiB * share, () => `0.${'1'.repeat(350)}`, '{"notifications":[', ']}')],
  ['one long number', (share) => '1'.repeat(16e6 * share)],
  ['a string of escapes', (share) => `"${'\\ud83d\\ude00'.repeat(1.3e6 * share)}"`],
  ['a string of halves', (share) => `"${'\\ud83d'.repeat(2.6e6 * share)}"`],
  ['many strings', (share) => filled(4 * MiB * share, (index) => `"\\n${index}"`, '{"notifications":[', ']}')],
  ['nothing but blanks', (share) => ' '.repeat(16e6 * share)],
  ['blanks', (share) => `{"notifications":[${' '.repeat(15e6 * share)}]}`],
  [
    'payloads of many members',
    (share) =>
      batchOf(
        share,
        payload64((index) => `"${index.toString(36)}":0`),
      ),
  ],
  [
    'payloads of unsorted members',
    (share) =>
      batchOf(
        share,
        payload64((index) => `"${(1e6 - index).toString(36)}":0`),
      ),
  ],
  ['payloads of numbers', (share) => batchOf(share, `{"a":${payload64(() => '1', '[', ']')}}`)],
  ['payloads of long numbers', (share) => batchOf(share, `{"a":${payload64(() => '0.12345678901234567', '[', ']')}}`)],
  ['payloads of brackets', (share) => batchOf(share, `{"a":${payload64(() => '[[[[[[[[[[[[]]]]]]]]]]]]', '[', ']')}}`)],
  ['payloads of escapes', (share) => batchOf(share, `{"a":"${'\\u00e4'.repeat(30_000)}"}`)],
  ['payloads of one text', (share) => batchOf(share, `{"a":"${'a'.repeat(65_000)}"}`)],
  [
    'payloads that repeat a member',
    (share) =>
      batchOf(
        share,
        payload64((index) => `"${(index % 4000).toString(36)}":0`),
      ),
  ],
  ['payloads that are altered', (share) => batchOf(share, `{"a":${payload64(() => '1e400', '[', ']')}}`)],
  [
    'a payload for a thousand users',
    () =>
      entry(
        payload64((index) => `"${(1e6 - index).toString(36)}":0`),
        users,
      ),
  ],
];
