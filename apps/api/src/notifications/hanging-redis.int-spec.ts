import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Windows } from '@pns/aggregation';
import { startRedis, type LocalRedis } from '@pns/local-servers';
import { testApi, type TestApi } from '../testing/test-api';

const folder = mkdtempSync(join(tmpdir(), 'pns-hanging-'));

let server: LocalRedis;
let api: TestApi;

beforeAll(async () => {
  server = await startRedis({ dataDir: folder, isDurable: false });
  api = await testApi({ redisUrl: server.url });
});

afterAll(async () => {
  await api.close();
  await server.stop();
  rmSync(folder, { recursive: true });
});

/** Posts 400 notifications. Two requests together have more notifications than one script call joins. */
function post(topic: string) {
  const notifications = Array.from({ length: 400 }, (_, n) => ({ context: 1, user: 14, topic, payload: { n } }));
  return api.send('POST', '/v1/notifications', { body: { notifications } });
}

it('while Redis hangs, all waiting requests get 503 at once, and nothing more is sent to Redis', async () => {
  expect((await post('before')).status).toBe(202);
  process.kill(server.pid, 'SIGSTOP');
  const answers = await Promise.all(['first', 'second', 'third'].map(post)).finally(() =>
    process.kill(server.pid, 'SIGCONT'),
  );
  for (const answer of answers) {
    expect(answer).toMatchObject({ status: 503, body: { code: 'REDIS_UNREACHABLE' } });
    expect(answer.headers.get('retry-after')).toBe('5');
  }
  const { waiting, due } = await api.app.get(Windows, { strict: false }).counts();
  expect(waiting + due).toBe(800); // includes the notifications of the first request, which Redis had received when it stopped
  expect((await post('after')).status).toBe(202);
});
