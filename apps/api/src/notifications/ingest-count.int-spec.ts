import { cuttableLink, testRedisUrl, type CuttableLink } from '@pns/local-servers';
import { testApi, type TestApi } from '../testing/test-api';

const notification = { context: 1, user: 14, topic: 'ox:test', payload: {} };
const dovecot = { user: '14@1', event: 'messageNew', folder: 'INBOX' };

let link: CuttableLink;
let api: TestApi;

beforeAll(async () => {
  link = await cuttableLink(testRedisUrl());
  api = await testApi({ redisUrl: link.url });
});

afterAll(async () => {
  link.mend();
  await api.close();
  await link.close();
});

const results = ['accepted', 'duplicate', 'refused', 'overloaded'] as const;

/** The count of each result. */
async function counts(): Promise<Record<string, number>> {
  const { body } = await api.send<string>('GET', '/metrics', { key: null });
  return Object.fromEntries(
    results.map((result) => {
      const [, count = 0] =
        new RegExp(`^pns_notifications_total\\{result="${result}"\\} (\\d+)$`, 'm').exec(body) ?? [];
      return [result, Number(count)];
    }),
  );
}

/** The counts that `act` adds, without zeros. */
async function countedBy(act: () => Promise<unknown>): Promise<Record<string, number>> {
  const before = await counts();
  await act();
  const after = await counts();
  const added = results.map((result) => [result, (after[result] ?? 0) - (before[result] ?? 0)] as const);
  return Object.fromEntries(added.filter(([, count]) => count > 0));
}

const post = (body: unknown, headers = {}) => api.send('POST', '/v1/notifications', { body, headers });
const notify = (body: unknown) => api.send('PUT', '/preliminary/http-notify/v1/notify', { body });
const ndjson = { 'content-type': 'application/x-ndjson' };
const lines = (count: number) => `${JSON.stringify(notification)}\n`.repeat(count);

it.each(results)('%s is 0 before it has occurred, so that an alert notices the first', async (result) => {
  const { body } = await api.send<string>('GET', '/metrics', { key: null });
  expect(body).toContain(`\npns_notifications_total{result="${result}"} 0\n`);
});

it.each<[string, () => Promise<unknown>, Record<string, number>]>([
  ['one', () => post({ ...notification, id: 'a' }), { accepted: 1 }],
  ['the same once more', () => post({ ...notification, id: 'a' }), { duplicate: 1 }],
  ['a bad one', () => post({ ...notification, context: 0 }), { refused: 1 }],
  ['one for two users', () => post({ ...notification, user: undefined, users: [14, 15] }), { accepted: 2 }],
  ['a batch', () => post({ notifications: [notification, {}, notification] }), { accepted: 2, refused: 1 }],
  ['a stream', () => post(lines(3), ndjson), { accepted: 3 }],
  ["a new mail of Dovecot's", () => notify(dovecot), { accepted: 1 }],
  ['a bad request of Dovecot', () => notify({ ...dovecot, user: 14 }), { refused: 1 }],
  ['an event that becomes no notification', () => notify({ ...dovecot, event: 'mailboxSubscribe' }), {}],
])('%s is counted by its result', async (_, act, expected) => {
  expect(await countedBy(act)).toEqual(expected);
});

it('a notification that gets 503 is counted as overloaded', async () => {
  link.cut();
  const statusOf = async (answer: Promise<{ status: number }>) => (await answer).status;
  const act = async () => {
    const answers = [post(notification), post({ notifications: [notification, notification] }), notify(dovecot)];
    expect(await Promise.all([...answers, post(lines(1200), ndjson)].map(statusOf))).toEqual([503, 503, 503, 503]);
  };
  expect(await countedBy(act)).toEqual({ overloaded: 1 + 2 + 1 + 1200 });
});
