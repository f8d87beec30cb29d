import { testApi, type TestApi } from '../testing/test-api';

const [older, newer] = [Buffer.alloc(32, 'o'), Buffer.alloc(32, 'n')];
const users = 30;

const files = {
  'webhooks.yml': 'crm: {uri: https://crm.example.com/hooks, allowSharedUri: true}\n',
  'pns.properties': 'com.openexchange.webhooks.enabledIds=crm\n',
};

interface Step {
  readonly rotated: number;
  readonly unreadable: readonly string[];
  readonly remaining?: number;
  readonly nextCursor?: string;
}

interface Subscriptions {
  readonly items: readonly { readonly id: string; readonly user: number; readonly meta?: { readonly note: string } }[];
}

/** The meta that each user's subscription must have. */
const written = new Map<number, string>();
const opened: TestApi[] = [];

afterAll(async () => {
  for (const api of opened.reverse()) await api.close();
});

async function register(api: TestApi, user: number, note: string): Promise<void> {
  const body = { context: 1, user, client: 'crm', transport: 'webhook', topics: ['*'], meta: { note } };
  expect([200, 201]).toContain((await api.send('POST', '/v1/subscriptions', { body })).status);
  written.set(user, note);
}

async function configure(api: TestApi, secret: string): Promise<void> {
  const body = { uri: 'https://crm.example.com/hooks', webhookSecret: secret };
  expect((await api.send('PUT', '/v1/clients/crm/transports/webhook', { body })).status).toBeLessThan(300);
}

/** Requests all steps of a rotation; returns the answer of the last step. */
async function rotate(api: TestApi): Promise<Step> {
  for (let cursor = ''; ;) {
    const { status, body } = await api.send<Step>('POST', `/v1/secrets/rotate${cursor}`);
    expect(status).toBe(200);
    if (body.nextCursor === undefined) return body;
    cursor = `?cursor=${body.nextCursor}`;
  }
}

it('encrypts every secret with the new key while other processes write, so that the old key can be removed', async () => {
  const first = await testApi({ files, encryptionKeys: [older, newer] });
  opened.push(first);
  for (let user = 1; user <= users; user++) await register(first, user, `old ${user}`);
  await configure(first, 'old');

  const [one, other] = [
    await first.sibling({ encryptionKeys: [newer, older] }),
    await first.sibling({ encryptionKeys: [newer, older] }),
  ];
  opened.push(one, other);
  let isRotating = true;
  // The first process still encrypts with the old key, like a process that a rolling restart has not reached yet.
  const writing = [first, other].map(async (api, index) => {
    for (let round = 0; isRotating; round++) {
      const user = 1 + ((round * 2 + index) % users);
      await register(api, user, `round ${round} of ${index}`);
      if (round % 5 === 0 && index === 1) await configure(api, `round ${round}`);
    }
  });
  const rotated = (await Promise.all([rotate(one), rotate(other)])).map(({ unreadable }) => unreadable);
  expect(rotated).toEqual([[], []]);
  isRotating = false;
  await Promise.all(writing);

  let last = await rotate(one);
  while (last.remaining !== 0) last = await rotate(one);
  expect(await rotate(one)).toEqual({ rotated: 0, unreadable: [], remaining: 0 });

  const after = await first.sibling({ encryptionKeys: [newer] });
  opened.push(after);
  const { items } = (await after.send<Subscriptions>('GET', '/v1/subscriptions?context=1&limit=500')).body;
  expect(new Map(items.map(({ user, meta }) => [user, meta?.note]))).toEqual(written);
  const options = await after.send('GET', '/v1/clients/crm/transports/webhook');
  expect(options).toMatchObject({ status: 200, body: { options: { uri: 'https://crm.example.com/hooks' } } });
  expect(options.body).not.toHaveProperty('fault');
});

it('refuses a cursor that no answer contained', async () => {
  const [api] = opened;
  const answer = await api?.send('POST', '/v1/secrets/rotate?cursor=x');
  expect(answer).toMatchObject({ status: 400, body: { code: 'CURSOR_INVALID' } });
});
