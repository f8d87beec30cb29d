import { once } from 'node:events';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { eventually } from '@pns/local-servers/waiting';
import { apiKey, System } from './system';

let system: System;

beforeAll(async () => {
  system = await System.start({
    isDurable: false,
    processes: { dispatcher: 0, 'worker-websocket': 0, 'worker-webhook': 0 },
  });
});

afterAll(() => system?.stop());

const line = (user: number) => `${JSON.stringify({ context: 1, user, topic: 'ox:test', payload: {} })}\n`;

/** Posts an endless stream that begins with this text. */
function postStream(beginning: string): Promise<Response> {
  const body = new Readable({ read: () => undefined });
  body.push(beginning);
  return fetch(`${system.app('api').url}/v1/notifications`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/x-ndjson' },
    body: Readable.toWeb(body) as ReadableStream,
    duplex: 'half',
  });
}

it('an API that stops answers endless streams with their accepted entries, closes stalled ones, and exits with 0', async () => {
  const api = system.app('api');
  const isRead = async (accepted: number): Promise<boolean> =>
    (await api.metric('pns_notifications_total')).get('{result="accepted"}') === accepted;
  const begun = line(500).slice(0, 20);
  const streams = [
    postStream(Array.from({ length: 500 }, (_, at) => line(at + 1)).join('') + begun),
    postStream(begun),
  ];
  const slow = connect(api.port, '127.0.0.1');
  slow.write(`POST /v1/notifications HTTP/1.1\r\nHost: api\r\nAuthorization: Bearer ${apiKey}\r\n`);
  slow.write('Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{');
  const cutOff = once(slow, 'close');
  await eventually('500 entries are accepted', () => isRead(500));

  const ended = api.stop();
  const [long, short] = await Promise.all(streams);
  expect(long?.status).toBe(207);
  expect(await long?.json()).toMatchObject({ accepted: 500, errors: [{ index: 500, code: 'STOPPING' }] });
  expect(short?.status).toBe(503);
  expect(short?.headers.get('retry-after')).toBe('1');
  expect(await short?.json()).toMatchObject({ code: 'STOPPING' });
  await cutOff;
  expect(await ended).toBe(0);
});
