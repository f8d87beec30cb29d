import { signatureSecret } from '@pns/e2e';
import type { Sandbox, WebhookArrivalsView } from '@pns/sandbox';
import { Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { type Arrived, flow } from '../arrivals';
import { fillQueues } from '../backlog';
import { withBaseline } from '../baseline-process';
import type { WebhookJob } from '../baselines/signed-post';
import { mailNotification } from '../notifications';
import { end } from '../profile';
import type { Measured, Scenario, Size } from '../scenario';
import { startMeasured, withRedis, withSandbox } from '../servers';

const endpoints = 50;
const connections = 10;
/** The number of deliveries that are added to the queue of a program without PNS at once. */
const deliveriesPerBulk = 500;
const deliveriesOf = (size: Size): number => (size === 'full' ? 40_000 : 8000);

/** Each endpoint has a separate address: Linux answers on all of 127.0.0.0/8. */
const uriOf = (sandbox: Sandbox, endpoint: number): string =>
  `http://127.0.0.${1 + endpoint}:${sandbox.port}/webhooks/${nameOf(endpoint)}`;
const endpointOf = (index: number): number => index % endpoints;
const nameOf = (endpoint: number): string => `endpoint-${endpoint}`;

const side = (work: (count: number, sandbox: Sandbox) => Promise<Measured>) => (size: Size) =>
  withSandbox({ host: '0.0.0.0', signatureSecret, keep: 1000, hasProviders: false }, async (sandbox) => {
    const count = deliveriesOf(size);
    const measured = await work(count, sandbox);
    await expectSignatures(sandbox);
    const { different, duplicated } = await arrived(sandbox);
    return { ...measured, lost: count - different, duplicated };
  });

const ours = side(async (count, sandbox) => {
  const enabledIds = Array.from({ length: endpoints }, (_, at) => nameOf(at)).join();
  const properties = { 'com.openexchange.webhooks.enabledIds': enabledIds };
  const system = await startMeasured({ properties });
  try {
    system.configure('webhooks.yml', webhooksYaml(sandbox));
    await fillQueues({ redisUrl: system.redis.url, databaseUrl: system.databaseUrl }, count, 'webhook', (index) => {
      const endpoint = endpointOf(index);
      return { client: nameOf(endpoint), token: uriOf(sandbox, endpoint) };
    });
    const { child } = await system.add('worker-webhook');
    const pids = { Node: child.pid ?? 0, Redis: system.redis.pid };
    const { perSecond, costs } = await flow(count, () => arrived(sandbox), pids);
    return { value: perSecond, lost: 0, duplicated: 0, costs };
  } finally {
    await end(system, system.all('worker-webhook'));
  }
});

/** The options of all endpoints. JSON is valid YAML. */
function webhooksYaml(sandbox: Sandbox): string {
  const rest = { signatureSecret, httpsOnly: false, allowedNetworks: ['127.0.0.0/8'], maxConnections: connections };
  const entries = Array.from({ length: endpoints }, (_, at) => [nameOf(at), { uri: uriOf(sandbox, at), ...rest }]);
  return JSON.stringify(Object.fromEntries(entries));
}

const baseline = side((count, sandbox) =>
  withRedis(async ({ url: redisUrl, pid }) => {
    // The usual options: several attempts, and finished jobs are not kept.
    const opts = { attempts: 5, backoff: { type: 'exponential', delay: 5000 }, removeOnComplete: true };
    await fillInParts(redisUrl, count, sandbox, (part) => part.map((data) => ({ name: 'post', data, opts })));
    return posted('webhook-jobs', { redisUrl, pid }, count, sandbox);
  }),
);

const limit = side((count, sandbox) =>
  withRedis(async ({ url: redisUrl, pid }) => {
    await fillInParts(redisUrl, count, sandbox, (data) => [{ name: 'post', data, opts: { removeOnComplete: true } }]);
    return posted('webhook-batches', { redisUrl, pid }, count, sandbox);
  }),
);

/** Adds `count` deliveries to a queue, in the jobs that `jobsOf` returns for each part of them. */
async function fillInParts(
  redisUrl: string,
  count: number,
  sandbox: Sandbox,
  jobsOf: (part: readonly WebhookJob[]) => Parameters<Queue['addBulk']>[0],
): Promise<void> {
  const connection = new Redis(redisUrl, { maxRetriesPerRequest: null });
  const queue = new Queue('webhooks', { connection });
  for (let at = 0; at < count; at += deliveriesPerBulk) {
    const part = Array.from({ length: Math.min(deliveriesPerBulk, count - at) }, (_, index) =>
      webhookJob(at + index, uriOf(sandbox, endpointOf(at + index))),
    );
    await queue.addBulk(jobsOf(part));
  }
  connection.disconnect();
}

/** Measures how fast a program without PNS posts the deliveries of a filled queue. */
async function posted(
  program: 'webhook-jobs' | 'webhook-batches',
  redis: { readonly redisUrl: string; readonly pid: number },
  count: number,
  sandbox: Sandbox,
): Promise<Measured> {
  const input = { redisUrl: redis.redisUrl, connections, signatureSecret };
  const { perSecond, costs } = await withBaseline(program, input, ({ pid }) =>
    flow(count, () => arrived(sandbox), { Node: pid, Redis: redis.pid }),
  );
  return { value: perSecond, lost: 0, duplicated: 0, costs };
}

function webhookJob(index: number, uri: string): WebhookJob {
  return { ...mailNotification(index), id: `delivery-${index}`, uri, timestamp: Date.now() };
}

async function arrived(sandbox: Sandbox): Promise<Arrived> {
  const answer = await fetch(`${sandbox.url}/webhooks`);
  const boxes = (await answer.json()) as { accepted: number; duplicates: number }[];
  return {
    different: boxes.reduce((sum, { accepted }) => sum + accepted, 0),
    duplicated: boxes.reduce((sum, { duplicates }) => sum + duplicates, 0),
  };
}

/** Fails unless both signatures are valid in all requests that the sandbox keeps, which are the last ones of some endpoints. */
async function expectSignatures(sandbox: Sandbox): Promise<void> {
  const views = Array.from({ length: endpoints }, async (_, at) => {
    const answer = await fetch(`${sandbox.url}/webhooks/${nameOf(at)}/arrivals`);
    return (await answer.json()) as WebhookArrivalsView;
  });
  const items = (await Promise.all(views)).flatMap((view) => view.items);
  const isSigned = items.every((item) => item.oxSignature === 'valid' && item.standardWebhooks === 'valid');
  if (items.length === 0 || !isSigned) throw new Error('What came to the webhooks was not signed as it should be.');
}

/** The deliveries from the transport's queue to fifty endpoints that check signatures. */
export const webhook: Scenario = {
  name: 'webhook',
  unit: 'deliveries/s',
  ours,
  baseline,
  limit,
  goals: [{ atLeast: 1.5 }],
};
