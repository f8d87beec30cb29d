import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventually } from '@pns/local-servers/waiting';
import type { DemoApp } from '@pns/sandbox';
import { apiKey, System } from './system';
import { startOtlpReceiver, type ReceivedSpan } from './testing/otlp-receiver';

jest.setTimeout(180_000);

/** Writes the loaded modules into a file when the process ends. */
const listModules = `
process.on('exit', () =>
  require('node:fs').writeFileSync(process.env.PNS_DATA_DIR + '/' + process.pid, Object.keys(require.cache).join('\\n')));
`;

const user = { context: 1, user: 14 };
const folder = mkdtempSync(join(tmpdir(), 'pns-traces-'));
let collector: Awaited<ReturnType<typeof startOtlpReceiver>>;
let system: System;

beforeAll(async () => {
  const preload = join(folder, 'list-modules.cjs');
  writeFileSync(preload, listModules);
  collector = await startOtlpReceiver();
  system = await System.start({
    isDurable: false,
    hasProviders: true,
    processes: { 'worker-websocket': 0, 'worker-apns': 1, 'worker-fcm': 1 },
    nodeArgs: ['--require', preload],
    properties: {
      'com.openexchange.pns.delayDuration': 0,
      'com.openexchange.pns.timerFrequency': 50,
      'com.openexchange.pns.retry.baseDelay': 50,
      'com.openexchange.pns.transport.apn.ios.enabled': 'true',
      'com.openexchange.pns.transport.gcm.enabled': 'true',
    },
    env: {
      PNS_DATA_DIR: folder,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_TRACES_SAMPLER: 'parentbased_always_off',
      OTEL_BSP_SCHEDULE_DELAY: '50',
    },
  });
  for (const app of system.sandbox.demoApps.filter(({ transport }) => transport !== 'wns')) await register(app);
  await system.subscribe(user);
});

afterAll(async () => {
  await system?.stop();
  collector?.close();
  rmSync(folder, { recursive: true });
});

async function register({ client, transport, token, options }: DemoApp): Promise<void> {
  await system.expect(200, 'PUT', `/v1/clients/${client}/transports/${transport}`, options);
  const subscription = { ...user, client, transport, token, topics: ['*'] };
  const { id } = await system.expect<{ id: string }>(201, 'POST', '/v1/subscriptions', subscription);
  await eventually(`the worker of ${transport} has the options`, async () => {
    const answer = await system.expect<{ outcome: string }>(200, 'POST', `/v1/subscriptions/${id}/test`);
    return answer.outcome === 'delivered';
  });
}

let lastTrace = 0;

/** A new trace of a producer: its id, the id of the producer's span, and the header `traceparent`. */
function newTrace(isSampled = true) {
  const id = (++lastTrace).toString(16).padStart(32, 'a');
  const span = lastTrace.toString(16).padStart(16, 'b');
  return { id, span, traceparent: `00-${id}-${span}-${isSampled ? '01' : '00'}` };
}

/** Posts equal notifications in one request, one for each element of `each`, with its fields. Returns the id of the first. */
async function post(about: string, headers: Record<string, string>, each: readonly object[] = [{}]): Promise<string> {
  const payload = { folder: 'default0/INBOX', id: about, email: 'jane@example.com', subject: about };
  const notifications = each.map((fields) => ({ ...user, topic: 'ox:mail:new', payload, ...fields }));
  const response = await fetch(`${system.app('api').url}/v1/notifications`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ notifications }),
  });
  const answer = (await response.json()) as { notifications: { id: string }[] };
  expect([response.status, answer]).toMatchObject([202, { accepted: each.length }]);
  return answer.notifications[0]?.id ?? '';
}

/** Waits until a trace has `count` spans, and returns them. */
async function spansOf(trace: string, count: number): Promise<readonly ReceivedSpan[]> {
  await eventually(`trace ${trace} has ${count} spans`, () => collector.spansOf(trace).length >= count);
  return collector.spansOf(trace);
}

/** The spans below one span as lines: kind, service and name, indented by depth. The spans of one parent are sorted. */
function treeOf(spans: readonly ReceivedSpan[], parent: string, depth = 0): string[] {
  return spans
    .filter(({ parentSpanId }) => parentSpanId === parent)
    .map((span) => ({ span, line: `${'  '.repeat(depth)}${kinds[span.kind]} ${span.service}: ${span.name}` }))
    .sort((one, other) => (one.line < other.line ? -1 : 1))
    .flatMap(({ span, line }) => [line, ...treeOf(spans, span.spanId, depth + 1)]);
}

/** The kinds of spans in the order of their numbers in OTLP. */
const kinds = ['', 'internal', 'server', 'client', 'producer', 'consumer'];

const named = (spans: readonly ReceivedSpan[], name: string): ReceivedSpan => {
  const found = spans.find((span) => span.name === name);
  if (found === undefined) throw new Error(`There is no span ${name} among ${spans.map((each) => each.name).join()}.`);
  return found;
};

const idOf = ({ traceId, spanId }: ReceivedSpan) => ({ traceId, spanId });

it('a notification is one trace from POST to the answers of three providers, and leads to those that were joined to it', async () => {
  const [first, second] = [newTrace(), newTrace()];
  const headers = { traceparent: first.traceparent, tracestate: 'vendor=1' };
  const others = [second, newTrace(false)].map(({ traceparent }) => ({ traceparent }));
  const id = await post('joined', headers, [{}, ...others]);

  const spans = await spansOf(first.id, 9);
  expect(treeOf(spans, first.span)).toEqual([
    'server pns-api: POST /v1/notifications',
    '  producer pns-api: join windows',
    '    consumer pns-dispatcher: dispatch windows',
    '      consumer pns-worker-apns: process apns',
    '        client pns-worker-apns: send apns',
    '      consumer pns-worker-fcm: process fcm',
    '        client pns-worker-fcm: send fcm',
    '      consumer pns-worker-webhook: process webhook',
    '        client pns-worker-webhook: send webhook',
  ]);
  expect(spans).toHaveLength(9);
  expect(new Set(spans.map(({ service }) => service)).size).toBe(5);
  expect(named(spans, 'POST /v1/notifications').attributes).toMatchObject({
    'http.request.method': 'POST',
    'http.route': '/v1/notifications',
    'http.response.status_code': 202,
  });
  expect(named(spans, 'join windows').attributes).toEqual({
    'messaging.system': 'pns',
    'messaging.operation.name': 'join',
    'messaging.operation.type': 'send',
    'messaging.destination.name': 'windows',
    'messaging.message.id': id,
    'pns.context': 1,
    'pns.user': 14,
    'pns.topic': 'ox:mail:new',
    'pns.join.status': 'accepted',
  });
  expect(named(spans, 'send webhook').attributes).toMatchObject({
    'messaging.message.conversation_id': id,
    'pns.client': 'sandbox',
    'pns.attempt': 1,
    'pns.outcome': 'delivered',
    'server.address': '127.0.0.1',
  });

  const ofSecond = await spansOf(second.id, 2);
  expect(treeOf(ofSecond, second.span)).toEqual([
    'producer pns-api: join windows',
    '  consumer pns-dispatcher: dispatch windows',
  ]);
  const dispatched = named(spans, 'dispatch windows');
  expect(dispatched.attributes).toMatchObject({ 'pns.window.count': 3 });
  expect(dispatched.links).toMatchObject([idOf(named(ofSecond, 'join windows'))]);
  expect(named(ofSecond, 'dispatch windows').links).toMatchObject([idOf(dispatched)]);

  const [arrival] = await system.arrivalsOf(1);
  const sending = named(spans, 'send webhook');
  expect(arrival?.headers).toMatchObject({
    traceparent: `00-${first.id}-${sending.spanId}-01`,
    tracestate: 'vendor=1',
  });
});

it('the request of App Suite, and the CloudEvent with its own trace, are in the traces of their producers', async () => {
  system.configure('webhook-producers.yml', 'appsuite:\n  webhookSecret: Bearer 0815\n');
  const body = { event: 'ox:mail:new', payload: { ...user, folder: 'default0/INBOX', id: 'ox' } };
  const suite = await eventually('App Suite is known', async () => {
    const { id, span, traceparent } = newTrace();
    const response = await fetch(`${system.app('api').url}/v1/webhooks/ox/appsuite`, {
      method: 'POST',
      headers: { authorization: 'Bearer 0815', 'content-type': 'application/json', traceparent },
      body: JSON.stringify(body),
    });
    return response.status === 202 && { id, span };
  });
  expect(treeOf(await spansOf(suite.id, 9), suite.span).slice(0, 3)).toEqual([
    'server pns-api: POST /v1/webhooks/ox/:id',
    '  producer pns-api: join windows',
    '    consumer pns-dispatcher: dispatch windows',
  ]);
  expect(collector.spansOf(suite.id)).toHaveLength(9);

  const [own, ofRequest] = [newTrace(), newTrace()];
  const event = { specversion: '1.0', type: 'ox:mail:new', source: '/mail', id: 'traced', subject: '14@1' };
  const response = await fetch(`${system.app('api').url}/v1/notifications`, {
    method: 'POST',
    headers: {
      ...{ authorization: `Bearer ${apiKey}`, 'content-type': 'application/cloudevents+json' },
      traceparent: ofRequest.traceparent,
    },
    body: JSON.stringify({ ...event, traceparent: own.traceparent, data: { folder: 'default0/INBOX', id: 'traced' } }),
  });
  expect(response.status).toBe(202);
  expect(treeOf(await spansOf(own.id, 8), own.span)[0]).toBe('producer pns-api: join windows');
  expect((await spansOf(ofRequest.id, 1)).map(({ name }) => name)).toEqual(['POST /v1/notifications']);
});

it('each attempt is a span, and a failed one is marked', async () => {
  await misbehave({ status: 500, times: 1 });
  const { id, span, traceparent } = newTrace();
  await post('retried', {}, [{ traceparent }]);
  const spans = await spansOf(id, 10); // does not include the span of the request, which has another trace
  const attempts = spans.filter(({ name }) => name === 'send webhook');
  expect(
    attempts.map(({ attributes, status }) => [attributes['pns.attempt'], attributes['pns.outcome'], status]),
  ).toEqual([
    [1, 'retry', expect.objectContaining({ code: 2 })],
    [2, 'delivered', expect.not.objectContaining({ code: 2 })],
  ]);
  expect(treeOf(spans, span)[0]).toBe('producer pns-api: join windows');
});

async function misbehave(fault: object): Promise<void> {
  const response = await fetch(`${system.sandbox.url}/webhooks/box/faults`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(fault),
  });
  expect(response.status).toBe(200);
}

it('a trace that its producer does not sample leaves no spans, and a webhook gets no trace context', async () => {
  const { id, traceparent } = newTrace(false);
  await post('unsampled', { traceparent });
  const arrival = await eventually('the notification has arrived', async () =>
    (await system.arrivals()).items.find(({ body }) => body.includes('"id":"unsampled"')),
  );
  expect(arrival.headers).not.toHaveProperty('traceparent');
  const later = newTrace();
  await post('sampled again', { traceparent: later.traceparent });
  await spansOf(later.id, 9);
  expect(collector.spansOf(id)).toEqual([]);
});

it('an app loads OpenTelemetry only if an endpoint is set', async () => {
  const off = await system.add('api', { OTEL_EXPORTER_OTLP_ENDPOINT: '' });
  const on = system.app('api', 0);
  const loaded = async (app: typeof off) => {
    expect(await app.stop()).toBe(0);
    const modules = readFileSync(join(folder, String(app.child.pid)), 'utf8').split('\n');
    expect(modules.length).toBeGreaterThan(100);
    const packages = modules.map((file) => /node_modules\/(@opentelemetry\/[^/]+)/.exec(file)?.[1]);
    return [...new Set(packages.filter((name) => name !== undefined))].sort();
  };
  // prom-client loads the interface of OpenTelemetry, without an implementation.
  expect(await loaded(off)).toEqual(['@opentelemetry/api']);
  expect(await loaded(on)).toContain('@opentelemetry/sdk-trace-base');
});
