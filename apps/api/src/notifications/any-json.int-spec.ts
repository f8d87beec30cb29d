import fc from 'fast-check';
import { testApi, type TestApi } from '../testing/test-api';

let api: TestApi;

beforeAll(async () => {
  api = await testApi();
});

afterAll(() => api.close());

const id = fc.integer({ min: 1, max: 5 });
const anyText = fc.string({ unit: 'binary' });
const anyObject = fc.object({ maxDepth: 3, withBigInt: false, withNullPrototype: false });

const good = fc.record(
  {
    context: id,
    user: id,
    topic: fc.constantFrom('ox:mail:new', 'ox:calendar:updates', 'constructor', '__proto__', 'x'),
    payload: fc.oneof(anyObject, fc.record({ folder: anyText, id: anyText })),
    sourceToken: anyText,
    priority: fc.constantFrom('high', 'medium', 'low'),
    ttlSeconds: fc.integer({ min: 1, max: 2_419_200 }),
    aggregationKey: anyText,
    id: fc.stringMatching(/^[!-~]{1,20}$/),
  },
  { requiredKeys: ['context', 'user', 'topic', 'payload'] },
);

const fieldNames = [
  'context',
  'user',
  'users',
  'topic',
  'payload',
  'sourceToken',
  'priority',
  'ttlSeconds',
  'id',
  '__proto__',
];

/** Almost valid notifications reach more code than arbitrary JSON. */
const nearlyNotification = fc
  .tuple(good, fc.dictionary(fc.constantFrom(...fieldNames), fc.jsonValue(), { maxKeys: 1 }))
  .map(([notification, odd]) => ({ ...notification, ...odd }));
const nearlyBatch = fc.record({
  notifications: fc.array(fc.oneof(nearlyNotification, fc.jsonValue()), { maxLength: 5 }),
});
const body = fc.oneof(
  { weight: 4, arbitrary: nearlyNotification },
  { weight: 2, arbitrary: nearlyBatch },
  fc.jsonValue(),
);

const taken = JSON.stringify({ context: 1, user: 1, topic: 'x', payload: {} });

it.each([
  ['JSON', 'application/json', [202, 207, 400, 413, 422], body.map((value) => JSON.stringify(value))],
  [
    'NDJSON',
    'application/x-ndjson',
    [202, 207, 400, 413, 422],
    fc
      .array(
        fc.oneof(
          nearlyNotification.map((value) => JSON.stringify(value)),
          fc.string({ unit: 'binary' }),
        ),
      )
      .map((lines) => lines.join('\n')),
  ],
  ['text', 'application/json', [400, 422], fc.string({ unit: 'binary' })],
])('any %s is accepted, or refused with one of the expected problems', async (_name, contentType, allowed, texts) => {
  const seen = new Set<number>();
  await fc.assert(
    fc.asyncProperty(texts, async (text) => {
      const headers = { 'content-type': contentType };
      const answer = await api.send('POST', '/v1/notifications', { body: text, headers });
      seen.add(answer.status);
      expect(allowed).toContain(answer.status);
      if (answer.status < 400) return;
      expect(answer.headers.get('content-type')).toContain('application/problem+json');
      expect(answer.body).toMatchObject({
        status: answer.status,
        code: expect.stringMatching(/^[A-Z_]+$/) as string,
      });
    }),
    // Adds one valid notification, because random notifications may all be invalid.
    { numRuns: 300, examples: allowed[0] === 202 ? [[taken]] : [] },
  );
  expect(seen).toContain(allowed[0]); // fails if the samples are too uniform
});
