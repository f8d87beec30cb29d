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
const batchOf = (payload: string, count = Math.floor((3 * MiB) / payload.length)) =>
  `{"notifications":[${Array<string>(count).fill(entry(payload)).join(',')}]}`;
const users = `"users":[${Array.from({ length: 1000 }, (_, index) => index + 1).join(',')}]`;

/** The worst that we know, as long as a body may be or long enough to be cut. */
export const largeBodies: readonly (readonly [name: string, text: () => string])[] = [
  ['brackets', () => '['.repeat(16e6)],
  ['objects in each other', () => '{"a":'.repeat(3.2e6)],
  ['a list of empty objects', () => filled(4 * MiB, () => '{}', '{"notifications":[', ']}')],
  ['a list of brackets', () => `{"notifications":[${'['.repeat(15e6)}]}`],
  ['many members', () => filled(4 * MiB, (index) => `"${index.toString(36)}":0`, '{', '}')],
  ['members that are numbers', () => filled(4 * MiB, (index) => `"${(index * 2 ** 20) % (2 ** 32 - 2)}":0`, '{', '}')],
  ['many numbers', () => filled(4 * MiB, () => '1e300', entry('{"a":[').slice(0, -1), ']}}')],
  ['long numbers', () => filled(4 * MiB, () => `0.${'1'.repeat(350)}`, '{"notifications":[', ']}')],
  ['one long number', () => '1'.repeat(16e6)],
  ['a string of escapes', () => `"${'\\ud83d\\ude00'.repeat(1.3e6)}"`],
  ['a string of halves', () => `"${'\\ud83d'.repeat(2.6e6)}"`],
  ['many strings', () => filled(4 * MiB, (index) => `"\\n${index}"`, '{"notifications":[', ']}')],
  ['blanks', () => `{"notifications":[${' '.repeat(15e6)}]}`],
  ['payloads of many members', () => batchOf(payload64((index) => `"${index.toString(36)}":0`))],
  ['payloads of unsorted members', () => batchOf(payload64((index) => `"${(1e6 - index).toString(36)}":0`))],
  ['payloads of numbers', () => batchOf(`{"a":${payload64(() => '1', '[', ']')}}`)],
  ['payloads of long numbers', () => batchOf(`{"a":${payload64(() => '0.12345678901234567', '[', ']')}}`)],
  ['payloads of brackets', () => batchOf(`{"a":${payload64(() => '[[[[[[[[[[[[]]]]]]]]]]]]', '[', ']')}}`)],
  ['payloads of escapes', () => batchOf(`{"a":"${'\\u00e4'.repeat(30_000)}"}`)],
  ['payloads of one text', () => batchOf(`{"a":"${'a'.repeat(65_000)}"}`)],
  ['payloads that repeat a member', () => batchOf(payload64((index) => `"${(index % 4000).toString(36)}":0`))],
  ['payloads that are altered', () => batchOf(`{"a":${payload64(() => '1e400', '[', ']')}}`)],
  [
    'a payload for a thousand users',
    () =>
      entry(
        payload64((index) => `"${(1e6 - index).toString(36)}":0`),
        users,
      ),
  ],
];
