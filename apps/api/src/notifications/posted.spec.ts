import { RequestError } from '../http/request-error';
import { readPosted } from './posted';
import { largeBodies } from './testing/large-bodies';

/** The longest text that was passed to `JSON.parse` during `act`, in characters. */
async function longestParsed(act: () => unknown): Promise<number> {
  const { parse } = JSON;
  let longest = 0;
  // `JSON.parse` is replaced without Jest, because a mock of Jest would keep all texts, hundreds of thousands of them.
  JSON.parse = (...parameters) => {
    longest = Math.max(longest, parameters[0].length);
    return parse(...parameters) as unknown;
  };
  try {
    await act();
  } finally {
    JSON.parse = parse;
  }
  return longest;
}

it.each(largeBodies)('of a body of %s, JSON.parse gets small texts only', async (_, textOf) => {
  const bytes = Buffer.from(textOf(0.25)); // several times the longest text that `JSON.parse` may get
  const longest = await longestParsed(async () => {
    try {
      const posted = await readPosted(bytes);
      if (posted.isBatch) for (const { ok } of posted.entries) void ok;
    } catch (error) {
      expect(error).toBeInstanceOf(RequestError);
    }
  });
  expect(longest).toBeLessThanOrEqual(512 * 1024);
});

const entry = (user: number, payload = '{}') => `{"context":1,"user":${user},"topic":"x","payload":${payload}}`;
const long = `{"text":"${'x'.repeat(60_000)}"}`;

async function read(text: string): Promise<unknown[]> {
  const posted = await readPosted(Buffer.from(text));
  const entries = posted.isBatch ? [...posted.entries] : [posted.entry];
  return entries.map((each) => (each.ok ? each.value : each.reason));
}

describe.each([
  ['small', '{}'],
  ['large', long],
])('a batch of %s payloads', (_, payload) => {
  const value = (user: number) => JSON.parse(entry(user, payload)) as unknown;
  const batch = (...entries: string[]) => `{ "notifications" : [ ${entries.join(' , ')} ] }`;

  it('is read entry by entry', async () => {
    const good = [1, 2, 3, 4].map((user) => entry(user, payload));
    expect(await read(batch(...good))).toEqual([1, 2, 3, 4].map(value));
  });

  it.each([
    ['a number that would be altered', '{"a":1e400}', 'altered'],
    ['a reserved name', '{"__proto__":{}}', 'altered'],
    ['a name twice', '{"a":1,"a":1}', 'altered'],
    ['half a pair', '{"a":"\\ud800"}', 'altered'],
    ['many levels', `{"a":${'['.repeat(64)}${']'.repeat(64)}}`, 'too deep'],
  ])('with %s loses only this entry', async (_name, bad, reason) => {
    expect(await read(batch(entry(1, payload), entry(2, bad), entry(3, payload)))).toEqual([
      value(1),
      reason,
      value(3),
    ]);
  });

  it('with bytes that are not UTF-8 loses only this entry', async () => {
    const text = batch(entry(1, payload), entry(2, '{"a":"\u0001"}'), entry(3, payload));
    const bytes = Buffer.from(text);
    bytes[bytes.indexOf(1)] = 0xff;
    const posted = await readPosted(bytes);
    const entries = posted.isBatch ? [...posted.entries] : [];
    expect(entries.map(({ ok }) => ok)).toEqual([true, false, true]);
    expect(entries[1]).toMatchObject({ faults: [{ field: 'payload.a', message: 'is not UTF-8' }] });
  });

  it.each([
    ['an entry that is not JSON', batch(entry(1, payload), '{"a":tru}', entry(3, payload)), 'BODY_MALFORMED'],
    ['a comma too many', batch(entry(1, payload), '', entry(3, payload)), 'BODY_MALFORMED'],
    ['something behind it', `${batch(entry(1, payload), entry(2, payload), entry(3, payload))} x`, 'BODY_MALFORMED'],
    ['an end missing', batch(entry(1, payload), entry(2, payload), entry(3, payload)).slice(0, -1), 'BODY_MALFORMED'],
    [
      'another member',
      `{"a":1,${batch(entry(1, payload), entry(2, payload), entry(3, payload)).slice(1)}`,
      'BODY_INVALID',
    ],
    ['two lists', `{"notifications":[],${batch(entry(1, payload), entry(2, payload)).slice(1)}`, 'BODY_INVALID'],
    ['an altered member', `{"a":1e400,${batch(entry(1, payload), entry(2, payload)).slice(1)}`, 'BODY_INVALID'],
    ['1001 entries', batch(...Array<string>(1001).fill(entry(1))), 'BATCH_TOO_LARGE'],
  ])('with %s is refused', async (_name, text, code) => {
    await expect(read(text)).rejects.toMatchObject({ code });
  });
});

it('a single notification may be nested as deep as its payload allows', async () => {
  const nested = (levels: number) => entry(1, `{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`);
  expect(await read(nested(64))).toEqual([JSON.parse(nested(64))]);
  expect(await read(nested(65))).toEqual(['too deep']);
});
