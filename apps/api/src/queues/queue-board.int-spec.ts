import { request } from 'node:http';
import { Queues } from '@pns/queue';
import { bootstrapKey, testApi, type TestApi } from '../testing/test-api';

let api: TestApi;

beforeAll(async () => {
  api = await testApi({ hasQueueBoard: true });
  const queues = api.app.get<Queues>(Queues, { strict: false });
  const job = { v: 1, endpoint: 'crm', deliveries: [{ payload: { subject: 'a private subject' } }] };
  await queues.queue(queues.keys.group(1), 'webhook').add('deliveries', job, { jobId: 'job-1' });
});

afterAll(() => api.close());

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

async function get(path: string, key: string | undefined = bootstrapKey, method = 'GET'): Promise<Answer> {
  const authorization = `Basic ${Buffer.from(`admin:${key}`).toString('base64')}`;
  const response = await fetch(`${api.url}${path}`, { method, headers: key === '' ? {} : { authorization } });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

it('serves the page with its scripts, to an API key with the scope admin', async () => {
  for (const path of ['/queues', '/queues/queue/shard-1.webhook', '/queues/queue/shard-1.webhook/job-1']) {
    const { status, text, headers } = await get(path);
    expect(status).toBe(200);
    expect(text).toContain('<base href="/queues/" />');
    expect(headers.get('content-security-policy')).toMatch(/script-src 'self';.*frame-ancestors 'none'/);
    expect(text).not.toMatch(/<script>|<script(?! id="__UI_CONFIG__")[^>]*>[^<\s]/);
    const files = [...text.matchAll(/(?:src|href)="(static\/[^"]+)"/g)].map(([, file]) => file);
    expect(files.length).toBeGreaterThan(3);
    for (const file of files) expect(await get(`/queues/${file}`)).toMatchObject({ status: 200 });
  }
});

it('counts the jobs of each queue of each shard', async () => {
  const { text } = await get('/queues/api/queues');
  const { queues } = JSON.parse(text) as { queues: { name: string; counts: Record<string, number> }[] };
  expect(queues).toHaveLength(4 * 6);
  expect(queues.find(({ name }) => name === 'shard-1.webhook')?.counts).toMatchObject({ waiting: 1 });
  expect(queues.find(({ name }) => name === 'shard-0.aggregation')).toMatchObject({ readOnlyMode: true });
});

it('shows no content of jobs', async () => {
  const list = await get('/queues/api/queues?activeQueue=shard-1.webhook&status=latest&page=1&jobsPerPage=10');
  const { text } = await get('/queues/api/queues/shard-1.webhook/job-1');
  for (const shown of [list.text, text]) {
    expect(shown).toContain('job-1');
    expect(shown).not.toMatch(/private|crm|deliveries"?:/);
  }
  expect(JSON.parse(text)).toMatchObject({ job: { id: 'job-1', name: 'deliveries', data: {} }, status: 'waiting' });
});

it.each(['/queues', '/queues/static/favicon.ico', '/queues/api/queues', '/queues/api/redis/stats'])(
  '%s is only for API keys with the scope admin, for which browsers ask',
  async (path) => {
    const { status, headers, text } = await get(path, '');
    expect([status, headers.get('www-authenticate')]).toEqual([401, 'Basic realm="pns"']);
    expect(JSON.parse(text)).toMatchObject({ code: 'API_KEY_MISSING' });
    for (const [made, code] of [
      [{ name: 'producer', scopes: ['ingest', 'client'] }, 'SCOPE_MISSING'],
      [{ name: 'tenant', scopes: ['admin'], contexts: [1] }, 'CONTEXT_REFUSED'],
    ] as const) {
      const { body } = await api.send<{ key: string }>('POST', '/v1/api-keys', { body: made });
      const refused = await get(path, body.key);
      expect([refused.status, JSON.parse(refused.text)]).toMatchObject([403, { code }]);
    }
    expect(await get(path)).toMatchObject({ status: 200 });
  },
);

it.each([
  ['PUT', '/queues/api/queues/pause', 404],
  ['PUT', '/queues/api/queues/shard-1.webhook/pause', 405],
  ['POST', '/queues/api/queues/shard-1.webhook/add', 405],
  ['PUT', '/queues/api/queues/shard-1.webhook/job-1/clean', 404],
  ['GET', '/queues/api/queues/shard-1.webhook/job-1/flow', 404],
  ['GET', '/queues/api/queues/shard-1.webhook/job-1/logs', 404],
  ['GET', '/queues/api/job-schedulers', 404],
])('%s %s has no route', async (method, path, status) => {
  expect(await get(path, bootstrapKey, method)).toMatchObject({ status });
});

it.each(['/queues/static/../index.ejs', '/queues/static/%2e%2e/index.ejs', '/queues/static/missing.js'])(
  '%s is not a file of the page',
  async (path) => {
    const authorization = `Bearer ${bootstrapKey}`;
    const status = await new Promise((resolve, reject) => {
      request(`${api.url}`, { path, headers: { authorization } }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode));
      })
        .on('error', reject)
        .end();
    });
    expect([400, 403, 404]).toContain(status);
  },
);

it('is off unless it is switched on', async () => {
  const other = await api.sibling({ hasQueueBoard: false });
  try {
    expect(await other.send('GET', '/queues')).toMatchObject({ status: 404, body: { code: 'PATH_UNKNOWN' } });
  } finally {
    await other.close();
  }
});
