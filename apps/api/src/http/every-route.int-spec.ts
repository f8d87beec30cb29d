import { Agent, request as httpRequest } from 'node:http';
import { log } from '@pns/runtime';
import { KnownPaths } from './known-paths';
import { bootstrapKey, testApi, type TestApi } from '../testing/test-api';
import {
  hostileRequests,
  hostileStreams,
  lacksBody,
  oddRequests,
  type HostileRequest,
  type Route,
} from './testing/hostile-requests';

let api: TestApi;
let routes: readonly Route[];
let session: string;
const agent = new Agent({ keepAlive: true, maxSockets: 8 });
const errors: unknown[] = [];

beforeAll(async () => {
  api = await testApi();
  // `KnownPaths` does not contain static files, so one is added.
  routes = [...api.app.get(KnownPaths).routes(), { path: '/docs/swagger-ui.css', methods: ['GET', 'HEAD'] }];
  const { body } = await api.send<{ token: string }>('POST', '/v1/sessions', { body: { context: 1, user: 14 } });
  session = body.token;
  for (const level of ['error', 'fatal'] as const) {
    jest.spyOn(log, level).mockImplementation((...[line]: readonly unknown[]) => void errors.push(line));
  }
});

afterAll(async () => {
  jest.restoreAllMocks();
  agent.destroy();
  await api.close();
});

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** Sends the bytes unchanged. It does not use `fetch`, because `fetch` would correct the target. */
function send({ method, target, headers = {}, body }: HostileRequest): Promise<Answer> {
  const isClientApi = /\/(ajax|appsuite\/api)\/pns/.test(target);
  const authorization = `Bearer ${isClientApi ? session : bootstrapKey}`;
  const type =
    body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      {
        ...{ agent, host: '127.0.0.1', port: new URL(api.url).port, method, path: target },
        headers: { authorization, ...type, ...headers },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            type: response.headers['content-type'] ?? '',
            body: Buffer.concat(chunks).toString(),
          }),
        );
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

function shown({ method, target, headers, body }: HostileRequest): string {
  const start = (text: string) => (text.length > 200 ? `${text.slice(0, 200)}… (${text.length})` : text);
  return [method, start(target), JSON.stringify(headers ?? {}), start(String(body ?? ''))].join(' ');
}

/** The fault of the answer; undefined when there is none. */
function faultOf(request: HostileRequest, { status, type, body }: Answer): string | undefined {
  if (status >= 500 && status !== 503) return `status ${status}`;
  if (status < 400 || request.method === 'HEAD') return undefined;
  if (!type.startsWith('application/problem+json')) return `type ${type}`;
  const problem = JSON.parse(body) as { code?: unknown; status?: unknown };
  return typeof problem.code === 'string' && problem.status === status ? undefined : 'no problem';
}

/** The requests that got a bad answer or caused a line in the error log, at most 20. */
async function failing(requests: readonly HostileRequest[]): Promise<string[]> {
  const failed: string[] = [];
  const queue = [...requests];
  const worker = async (): Promise<void> => {
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const request = next;
      const before = errors.length;
      const fault = await send(request).then(
        (answer) => faultOf(request, answer),
        (error: Error) => (isExpected(error, request) ? undefined : error.message),
      );
      const logged = errors.slice(before).map((line) => JSON.stringify(line, errorsAsText));
      if (fault !== undefined || logged.length > 0) failed.push([fault, shown(request), ...logged].join('\n  '));
    }
  };
  await Promise.all(Array.from({ length: 8 }, worker));
  return failed.slice(0, 20);
}

/**
 * Whether the error of a request is no fault of the API. The API may answer and close the connection before the body is sent.
 * Node's answer to a request that it cannot parse has a body, even for a HEAD.
 */
function isExpected({ message }: Error, { method }: HostileRequest): boolean {
  return /ECONNRESET|EPIPE|hang up/.test(message) || (method === 'HEAD' && message.startsWith('Parse Error'));
}

function errorsAsText(_name: string, value: unknown): unknown {
  return value instanceof Error ? value.stack : value;
}

it('every route with a body has a valid body in this test', () => {
  expect(routes.flatMap(lacksBody)).toEqual([]);
});

it('no hostile request to any route causes a 5xx or an error in the log', async () => {
  expect(routes.length).toBeGreaterThan(40);
  const failed: string[] = [];
  for (const route of routes) failed.push(...(await failing(hostileRequests(route))));
  expect(failed).toEqual([]);
}, 600_000);

it('no hostile stream of lines causes a 5xx or an error in the log', async () => {
  expect(await failing(hostileStreams())).toEqual([]);
}, 300_000);

it('no request with a wrong method causes a 5xx or an error in the log', async () => {
  expect(await failing(routes.flatMap(oddRequests))).toEqual([]);
}, 300_000);

it('the API still works', async () => {
  const body = { context: 1, user: 1, topic: 'x', payload: {} };
  expect((await api.send('POST', '/v1/notifications', { body })).status).toBe(202);
});
