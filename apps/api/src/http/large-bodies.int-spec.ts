import { once } from 'node:events';
import { connect } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import { largeBodies } from '../notifications/testing/large-bodies';
import { bootstrapKey, testApi, type TestApi } from '../testing/test-api';

let api: TestApi;

beforeAll(async () => {
  api = await testApi();
});

afterAll(() => api.close());

/** The longest CPU time of this process in one turn of the event loop during `act`, in ms. */
async function longestTurn(act: () => Promise<unknown>): Promise<number> {
  let isDone = false;
  const done = act().finally(() => (isDone = true));
  let longest = 0;
  while (!isDone) {
    const before = process.cpuUsage();
    await turn();
    const { user, system } = process.cpuUsage(before);
    longest = Math.max(longest, (user + system) / 1000);
  }
  await done;
  return longest;
}

/**
 * Limit of `longestTurn`, which includes all threads of this process, also the sender and the garbage collector. The API alone
 * takes 10 to 40 ms; `JSON.parse` takes up to 10,000 ms for the same bodies.
 */
const longestTurnMs = 1000;
/** A busy machine can make one attempt slow. Code that blocks the event loop makes every attempt slow. */
const tries = 3;

it.each(largeBodies)('a body of %s is answered, and other requests are served meanwhile', async (_, textOf) => {
  const body = Buffer.from(textOf(1));
  let turnMs = Infinity;
  for (let round = 0; round < tries && turnMs >= longestTurnMs; round++) {
    let status = 0;
    turnMs = await longestTurn(async () => ({ status } = await api.send('POST', '/v1/notifications', { body })));
    expect([202, 413, 422]).toContain(status);
  }
  expect(turnMs).toBeLessThan(longestTurnMs);
});

const worst = Buffer.from('['.repeat(16e6));
const withoutCredentials = [
  ['the client API', 'PUT', '/ajax/pns?action=subscribe'],
  ['the client API with a bad session', 'PUT', '/ajax/pns?action=subscribe&session=x'],
  ['the other path of the client API', 'PUT', '/appsuite/api/pns'],
  ['notifications', 'POST', '/v1/notifications'],
  ['subscriptions', 'POST', '/v1/subscriptions'],
  ['Dovecot', 'PUT', '/preliminary/http-notify/v1/notify'],
  ['a path that nothing is at', 'POST', '/nothing'],
  ['a method that a path does not know', 'POST', '/v1/contexts'],
  ['health', 'POST', '/health/live'],
  ['the documentation', 'POST', '/docs'],
] as const;

it.each(withoutCredentials)('the body of a request without credentials is not parsed: %s', async (_, method, path) => {
  const parse = jest.spyOn(JSON, 'parse');
  const answer = await fetch(`${api.url}${path}`, {
    ...{ method, body: worst, headers: { 'content-type': 'application/json' } },
  }).then(
    ({ status }) => status,
    () => undefined, // the server did not wait for the rest of the body
  );
  const longest = Math.max(0, ...parse.mock.calls.map(([text]) => text.length));
  parse.mockRestore();
  expect([200, 401, 404, 405, undefined]).toContain(answer);
  expect(longest).toBeLessThan(1000);
});

it.each([
  ['POST', '/v1/subscriptions', 'json'],
  ['PUT', '/preliminary/http-notify/v1/notify', 'json'],
  ['PUT', '/v1/config/server/properties/com.openexchange.pns.delayDuration', 'json'],
])('%s %s accepts a body of 64 KiB and no larger one', async (method, path) => {
  const body = (bytes: number) => `"${'x'.repeat(bytes - 2)}"`;
  expect((await api.send(method, path, { body: body(64 * 1024) })).status).not.toBe(413);
  expect(await api.send(method, path, { body: body(64 * 1024 + 1) })).toMatchObject({
    status: 413,
    body: { code: 'BODY_TOO_LARGE' },
  });
});

it.each([
  ['longer than its route takes', 'POST', '/v1/subscriptions', 'application/json', 413],
  ['of a media type that no route takes', 'POST', '/v1/subscriptions', 'text/plain', 415],
])('a body %s is answered before it has arrived, and its connection serves the next request', async (...row) => {
  const [, method, path, type, status] = row;
  const rest = 'x'.repeat(500_000);
  const head = (line: string, fields: string) =>
    `${line} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${bootstrapKey}\r\n${fields}\r\n`;
  const { hostname, port } = new URL(api.url);
  const socket = connect(Number(port), hostname);
  let received = '';
  socket.on('data', (chunk) => (received += chunk.toString()));
  const answers = async (count: number) => {
    const statuses = () => Array.from(received.matchAll(/HTTP\/1\.1 (\d+)/g), ([, each]) => Number(each));
    while (statuses().length < count) await once(socket, 'data');
    return statuses();
  };
  socket.write(head(`${method} ${path}`, `Content-Type: ${type}\r\nContent-Length: ${rest.length}\r\n`));
  expect(await answers(1)).toEqual([status]);
  socket.write(rest + head('GET /v1/subscriptions', ''));
  expect(await answers(2)).toEqual([status, 200]);
  socket.destroy();
});
