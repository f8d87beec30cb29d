import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { aggregationQueue, assertDeliveryJob, assertJobVersion, type DeliveryJob, type TickJob } from '@pns/queue';
import { KeySpace } from '@pns/redis';
import { isRegistered } from '@pns/transport-contract';
import { deferredForMs } from './attempts';
import { routeOf } from './routing';
import { nodeOf, socketTargetOf, withTarget } from './socket-target';

interface StoredJob {
  readonly queue: string;
  readonly job: { readonly name: string; readonly data: DeliveryJob | TickJob };
}

/** Jobs that a version wrote into a real Redis. */
function jobsOf(version: string): StoredJob[] {
  return JSON.parse(readFileSync(join(__dirname, 'testing', 'jobs', `${version}.json`), 'utf8')) as StoredJob[];
}

const keys = new KeySpace(1, 'pns');

describe.each(['before-mailboxes', 'before-targets'])('the jobs of the version %s', (version) => {
  const jobs = jobsOf(version);
  const ofDeliveries = jobs.filter(({ queue }) => queue !== aggregationQueue);

  it('have a format that is read', () => {
    expect(jobs.length).toBeGreaterThan(ofDeliveries.length);
    for (const { job } of jobs) expect(() => assertJobVersion(job.name, job.data)).not.toThrow();
    for (const { job } of ofDeliveries) expect(() => assertDeliveryJob(job.data)).not.toThrow();
  });

  it('have the queue and the endpoint that their deliveries have today', () => {
    for (const { queue, job } of ofDeliveries) {
      const { endpoint, deliveries } = job.data as DeliveryJob;
      for (const delivery of deliveries) {
        const route = routeOf(delivery, keys);
        expect(route.name).toBe(queue);
        if (delivery.replyTo === undefined) expect(route.endpoint).toBe(endpoint);
      }
    }
  });

  it('name the sockets that they are for', () => {
    const targets = ofDeliveries
      .flatMap(({ job }) => (job.data as DeliveryJob).deliveries)
      .filter(({ transport }) => !isRegistered(transport))
      .map((delivery) => [`${delivery.token}, attempt ${delivery.attempt}`, socketTargetOf(delivery)]);
    expect(Object.fromEntries(targets)).toEqual(targetsOf[version]);
  });
});

it('reads since when a delivery of an earlier version is deferred', () => {
  const deliveries = jobsOf('before-targets').flatMap(({ job }) =>
    'deliveries' in job.data ? job.data.deliveries : [],
  );
  const deferred = deliveries.filter(({ sparedSince }) => sparedSince !== undefined);
  expect(deferred.map((delivery) => deferredForMs(delivery, 1_764_300_004_000))).toEqual([1000]);
});

const node = { kind: 'node', node: 'node-1' };
const socket = { kind: 'socket', node: 'node-2', connection: 'c1' };
const find = { kind: 'parked', step: 'find' };

const targetsOf: Readonly<Record<string, object>> = {
  'before-mailboxes': {
    'node-1, attempt 1': node,
    'node-2 c1, attempt 2': socket,
    '- 1, attempt 1': { ...find, isBeforeMailboxes: true },
    '- 1 named, attempt 1': { ...find, isBeforeMailboxes: true, namedOnly: true },
    '- 2, attempt 2': { ...find, isBeforeMailboxes: true },
    '- 2 named, attempt 2': { ...find, isBeforeMailboxes: true, namedOnly: true },
  },
  'before-targets': {
    'node-1, attempt 1': node,
    'node-2 c1, attempt 2': socket,
    '- find, attempt 1': find,
    '- find named, attempt 1': { ...find, namedOnly: true },
    '- 0 settle, attempt 2': { kind: 'parked', step: 'settle' },
    '- 0 full, attempt 2': { kind: 'parked', step: 'full' },
    '- 0 gone, attempt 2': { kind: 'parked', step: 'gone' },
  },
};

describe('a target of today', () => {
  const [stored] = jobsOf('before-targets').filter(({ queue }) => queue === 'websocket-node-1');
  const [delivery] = (stored?.job.data as DeliveryJob).deliveries;
  if (delivery === undefined) throw new Error('The fixture has no delivery to a node.');

  it.each([
    { kind: 'socket', node: 'node-3', connection: 'a connection' },
    { kind: 'parked', step: 'find' },
    { kind: 'parked', step: 'find', namedOnly: true },
    { kind: 'parked', step: 'settle' },
    { kind: 'parked', step: 'full' },
    { kind: 'parked', step: 'gone' },
  ] as const)('can also be read from the token, as the version before does: %p', (target) => {
    const sent = withTarget(delivery, target);
    const { target: written, ...earlier } = sent;
    expect(written).toEqual(target);
    expect(socketTargetOf(earlier)).toEqual(target);
    expect(nodeOf(earlier)).toBe(nodeOf(sent));
  });
});
