import { cloudEventSchema } from '../notifications/cloud-event.schema';
import { NewApiKey } from '../authentication/api-keys.dto';
import { HistoryQuery } from '../history/history.dto';
import { UsageQuery } from '../history/usage.dto';
import { DeliveryQuery } from '../deliveries/deliveries.dto';

const user = { context: '1', user: '14' };
const event = { specversion: '1.0', type: 'a', source: '/s', id: '1', subject: '14@1', data: {} };

/** Each field that takes a time. */
const readers: readonly (readonly [string, (time: unknown) => boolean])[] = [
  ['since of the history', (since) => HistoryQuery.schema.safeParse({ ...user, since }).success],
  ['until of the history', (until) => HistoryQuery.schema.safeParse({ ...user, until }).success],
  ['from of the usage', (from) => UsageQuery.schema.safeParse({ from, to: '2999-12-31T00:00:00Z' }).success],
  ['to of the usage', (to) => UsageQuery.schema.safeParse({ from: '2000-01-01T00:00:00Z', to }).success],
  ['failedBefore of deliveries', (failedBefore) => DeliveryQuery.schema.safeParse({ failedBefore }).success],
  [
    'expiresAt of an API key',
    (expiresAt) => NewApiKey.schema.safeParse({ name: 'k', scopes: ['ingest'], expiresAt }).success,
  ],
  ['time of a CloudEvent', (time) => cloudEventSchema.safeParse({ ...event, time }).success],
];

describe.each(readers)('the field %s', (_, accepts) => {
  it.each([
    '2030-12-31T00:00:00Z',
    '2030-12-31t00:00:00z',
    '2030-12-31t00:00:00.123z',
    '2030-12-31T23:59:59.999999999+14:00',
    '2030-12-31t00:00:00-09:30',
    '2030-12-31T00:00:00z',
  ])('accepts %s', (time) => {
    expect(accepts(time)).toBe(true);
  });

  it.each(['2030-12-31', 'tomorrow', '2030-02-30T00:00:00Z', '2030-12-31T00:00:00', '2030-12-31T24:00:00Z', 5, ''])(
    'refuses %s',
    (time) => {
      expect(accepts(time)).toBe(false);
    },
  );
});

it('a lower-case time is the same time', () => {
  const parsed = HistoryQuery.schema.parse({ ...user, since: '2030-12-31t01:00:00+01:00' });
  expect(parsed.since).toBe(Date.UTC(2030, 11, 31));
});
