import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common';
import type { ConfigCascade } from '@pns/config-cascade';
import type { EndpointFailure, EndpointKey, EndpointState, EndpointStore, FailedDeliveryStore } from '@pns/persistence';
import type { Queues } from '@pns/queue';
import { log, metrics, RecurringFault } from '@pns/runtime';
import { parsedUrl, type Delivery, type Outcome, type TransportName } from '@pns/transport-contract';
import { Gauge } from 'prom-client';
import { EndpointSteps } from './endpoint-steps';
import { hashOf, KnownEndpoints, type KnownEndpoint } from './known-endpoints';
import { retryFailed } from './retry-failed';

/** How often states are written and read, in ms. */
const refreshEveryMs = 1000;

/** How long a stopping process waits for its last write, in ms. If this write is lost, a later attempt is recorded instead. */
const lastWriteMs = 2000;

/** How often all states are read again, in ms. */
const reloadEveryMs = 600_000;

/** How far before the last change each read begins, in ms: longer than a transaction lasts, so that no change is missed. */
const overlapMs = 30_000;

/** Least time between two records of an endpoint's failures, in ms; at most `disableAfter` divided by `recordsPerTerm`. */
const recordEveryMs = 10_000;
const recordsPerTerm = 50;

/** The maximum numbers of failures that wait for the next write, and of states in one query. */
const maxPending = 10_000;

/** The maximum number of deferrals in one write. If a large push service is away, there may be thousands. They are only shown. */
const deferralsPerWrite = 500;

/** The maximum numbers of endpoints whose kept deliveries one refresh sends again, and of deliveries of each. */
const [maxReleases, maxReleased] = [10, 1000];

const running = new Set<FailingEndpoints>();

new Gauge({
  name: 'pns_endpoints',
  help: 'Endpoints that fail or are switched off. Every worker reports those of the whole system: take the maximum, not the sum.',
  labelNames: ['transport', 'state'],
  registers: [metrics],
  collect() {
    this.reset();
    for (const { transport, known } of running) {
      for (const [state, count] of Object.entries(known.counts)) this.set({ transport, state }, count);
    }
  },
});

/**
 * Records in Postgres which endpoints fail, warns of those that fail for long, and switches them off. All workers of a transport share
 * the states: each reads the changes once a second. A delivery to an endpoint that works costs a lookup in memory.
 */
export class FailingEndpoints implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly known = new KnownEndpoints();
  private readonly failures = new Map<string, EndpointFailure>();
  /** The last success of each endpoint since the last write. A failure of the same endpoint in `failures` is newer. */
  private readonly successes = new Map<string, EndpointKey & { readonly at: number }>();
  private deferrals = 0;
  private cursor: string | undefined;
  private reloadAt = 0;
  private timer: NodeJS.Timeout | undefined;
  private refreshing: Promise<void> | undefined;
  private isStopping = false;
  private readonly fault: RecurringFault;
  private readonly steps: EndpointSteps;

  /** `now` returns ms since the epoch. */
  constructor(
    readonly transport: TransportName,
    private readonly endpoints: EndpointStore,
    private readonly failed: FailedDeliveryStore,
    private readonly queues: Queues,
    private readonly cascade: Pick<ConfigCascade, 'resolve' | 'certainValue'>,
    private readonly now: () => number = Date.now,
  ) {
    this.fault = new RecurringFault('endpoints.not-recorded', 'endpoints.recorded', { transport });
    this.steps = new EndpointSteps(transport, endpoints, queues, cascade);
  }

  /** The outcome of a delivery whose endpoint is switched off; undefined if it can be sent. A test push is always sent. */
  outcomeOff(delivery: Delivery): Outcome | undefined {
    if (delivery.replyTo !== undefined) return undefined;
    const off = this.known.find(delivery)?.off;
    if (off === undefined) return undefined;
    const since = new Date(off.since).toISOString();
    const reason = `The endpoint is switched off since ${since}: ${off.reason} The delivery is kept until it is switched on.`;
    return { kind: 'exhausted', reason, isKept: true };
  }

  /** Counts the outcome of an attempt for its endpoint. A failure counts only if the endpoint returned it or did not answer. */
  attempted(delivery: Delivery, outcome: Outcome): void {
    if (delivery.subscriptionId === undefined) return;
    if (outcome.kind === 'delivered' || outcome.kind === 'gone') this.succeeded(delivery);
    else if (outcome.kind === 'retry' && outcome.isDeferred === true) this.deferred(delivery, outcome);
    else if (isEndpointFailure(outcome)) this.hasFailed(delivery, outcome.reason);
  }

  onApplicationBootstrap(): void {
    running.add(this);
    this.timer = setInterval(() => void this.refresh(), refreshEveryMs);
    void this.refresh();
  }

  async onApplicationShutdown(): Promise<void> {
    this.isStopping = true;
    running.delete(this);
    clearInterval(this.timer);
    const timer = new Promise<void>((resolve) => void setTimeout(resolve, lastWriteMs).unref());
    // Attempts that were counted while a refresh ran are written by the next refresh.
    await Promise.race([Promise.resolve(this.refreshing).then(() => this.refresh()), timer]);
  }

  /** Writes the counted attempts, takes the steps that are due, and reads the changes of all processes. Never rejects. */
  refresh(): Promise<void> {
    this.refreshing ??= this.refreshOnce().finally(() => (this.refreshing = undefined));
    return this.refreshing;
  }

  private async refreshOnce(): Promise<void> {
    try {
      await this.write();
      if (this.isStopping) return;
      await this.read();
      await this.release();
      if (!this.known.isEmpty && (await this.steps.take(this.now()))) await this.read();
      this.fault.isOver();
    } catch (error) {
      this.fault.occurred(error);
    }
  }

  /** Writes successes first, because a failure in `failures` is newer than the success of its endpoint. */
  private async write(): Promise<void> {
    await this.writeSuccesses();
    const failures = [...this.failures];
    this.deferrals = 0;
    await this.endpoints.recordFailures(
      this.transport,
      failures.map(([, failure]) => failure),
    );
    for (const [key, failure] of failures) if (this.failures.get(key) === failure) this.failures.delete(key);
  }

  private async writeSuccesses(): Promise<void> {
    while (this.successes.size > 0) {
      const successes = [...this.successes].slice(0, maxPending);
      const at = Math.max(...successes.map(([, success]) => success.at));
      const on = await this.endpoints.recordSuccesses(
        this.transport,
        successes.map(([, success]) => success),
        at,
      );
      for (const [key, success] of successes) if (this.successes.get(key) === success) this.successes.delete(key);
      for (const { client, origin, id } of on) {
        log.info({
          event: 'endpoint.switched-on',
          transport: this.transport,
          client,
          origin,
          endpoint: id,
          by: 'delivery',
        });
      }
    }
  }

  private async read(): Promise<void> {
    const now = Date.now();
    if (now >= this.reloadAt) {
      this.reloadAt = now + reloadEveryMs;
      this.cursor = undefined;
      this.known.clear();
    }
    let backMs = this.cursor === undefined ? 0 : overlapMs;
    for (let count = maxPending; count === maxPending; backMs = 0) {
      const { states, cursor } = await this.endpoints.changes(this.transport, this.cursor, backMs, maxPending);
      this.cursor = cursor;
      count = states.length;
      for (const state of states) this.learn(state);
    }
  }

  private learn({ client, hash: token, isRecorded, off }: EndpointState): void {
    // A success that is not written yet is newer than the state in Postgres.
    if (this.successes.has(`${client} ${token}`)) return;
    if (isRecorded) this.known.set(client, token, { isRecorded, off });
    else this.known.delete(client, token);
  }

  /** Enqueues the kept deliveries of endpoints that were switched on. */
  private async release(): Promise<void> {
    for (const release of await this.endpoints.releases(this.transport, maxReleases)) {
      const { client, hash: endpoint } = release;
      const filter = { transport: this.transport, client, endpoint };
      const sent = await retryFailed(this.queues, this.failed, filter, maxReleased);
      if (sent === 0) await this.endpoints.releaseDone(this.transport, release);
    }
  }

  private succeeded(delivery: Delivery): void {
    const known = this.known.find(delivery);
    // If the list of failing endpoints is full, this endpoint may be missing in it. So its success is recorded, which changes nothing in
    // Postgres if it was not failing.
    const isUnknown = known === undefined && this.known.isFull && this.successes.size < maxPending;
    if (known?.isRecorded !== true && !isUnknown) return;
    const { client, token } = delivery;
    const hashed = hashOf(token);
    this.failures.delete(`${client} ${hashed}`);
    this.successes.set(`${client} ${hashed}`, { client, token, at: this.now() });
    this.known.delete(client, hashed);
    // The kept deliveries of an endpoint that works again must not wait for the next regular refresh.
    if (known?.off !== undefined) void this.refresh();
  }

  private hasFailed(delivery: Delivery, reason: string): void {
    const at = this.now();
    const known = this.known.find(delivery);
    const termMs = this.cascade.resolve('com.openexchange.pns.endpoint.disableAfter').value;
    const pauseMs = termMs === 0 ? recordEveryMs : Math.min(recordEveryMs, termMs / recordsPerTerm);
    if (known !== undefined && known.failedAt > 0 && at - known.failedAt < pauseMs) return;
    if (this.add(delivery, { reason, at })) this.note(delivery, { failedAt: at, isRecorded: true });
  }

  private deferred(delivery: Delivery, { reason, afterMs = 0 }: { reason: string; afterMs?: number }): void {
    const at = this.now();
    const until = at + afterMs;
    const known = this.known.find(delivery);
    if (known === undefined ? this.known.isFull : until < known.deferredUntil + recordEveryMs) return;
    if (this.deferrals >= deferralsPerWrite) return;
    this.deferrals++;
    if (this.add(delivery, { reason, at, until })) this.note(delivery, { deferredUntil: until });
  }

  /** Adds a failure to the next write. Returns whether it was added; if there was no room, a later failure may be added. */
  private add({ client, token }: Delivery, failure: Pick<EndpointFailure, 'reason' | 'at' | 'until'>): boolean {
    const key = `${client} ${hashOf(token)}`;
    const pending = this.failures.get(key);
    if (pending === undefined && this.failures.size >= maxPending) return false;
    // The reason of a failed attempt is more useful than the reason of a deferral.
    if (pending !== undefined && pending.until === undefined && failure.until !== undefined) return false;
    this.failures.set(key, { client, token, origin: parsedUrl(token)?.origin ?? '', ...failure });
    return true;
  }

  private note({ client, token }: Delivery, changes: Partial<KnownEndpoint>): void {
    this.known.set(client, hashOf(token), changes);
  }
}

function isEndpointFailure(outcome: Outcome): outcome is Extract<Outcome, { kind: 'retry' | 'misconfigured' }> {
  if (outcome.kind === 'misconfigured') return outcome.isTargetOnly === true && outcome.isFromEndpoint === true;
  return outcome.kind === 'retry' && outcome.isFromEndpoint === true;
}
