import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { ConfigCascade } from '@pns/config-cascade';
import { OutcomeRecorder, type Attempt } from '@pns/outcomes';
import type { SubscriptionStore } from '@pns/persistence';
import { assertJobVersion, Queues, type DeliveryJob } from '@pns/queue';
import { log, shutdownTimeoutMs } from '@pns/runtime';
import type { Delivery, Outcome, Transport } from '@pns/transport-contract';
import { DelayedError, type Job, type Worker } from 'bullmq';
import { backOffMs } from './back-off';
import { Checkpoint } from './checkpoint';
import { DeliveryPlaces, type Place, type Verdict } from './delivery-places';
import { handOver, type QueueRef } from './hand-over';
import { JobFetching } from './job-fetching';
import type { PausedClients } from './paused-clients';
import { SharedLookup } from './shared-lookup';
import { reasonsToSuppress } from './suppression';

/** How a process works on the queues of its transport. */
export interface DeliveryWorkerOptions {
  readonly sources: readonly QueueRef[];
  /** Jobs in progress at once, shared out to the sources; without it, as many as there are places for their deliveries. */
  readonly concurrency?: number | undefined;
}

/** Deliveries that a process holds at once, shared out to its sources, and the least share; a job may exceed it. */
const [maxHeld, leastPerSource] = [8000, 250] as const;

/** What is in flight at SIGTERM has this long to end before it is handed back, in ms. */
const finishWithinMs = shutdownTimeoutMs - 5000;

/** Gives each delivery of a job to the transport, records how it ended, and sends what failed on its way again. */
@Injectable()
export class DeliveryWorker implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly workers: Worker<DeliveryJob>[] = [];
  private readonly places: DeliveryPlaces;
  private readonly live: SharedLookup<ReadonlySet<string>>;
  private readonly jobsPerSource: number;
  private readonly stopping = new AbortController();

  constructor(
    private readonly queues: Queues,
    private readonly transport: Transport,
    private readonly outcomes: OutcomeRecorder,
    private readonly cascade: ConfigCascade,
    private readonly paused: PausedClients,
    subscriptions: SubscriptionStore,
    private readonly options: DeliveryWorkerOptions,
  ) {
    this.live = new SharedLookup((ids) => subscriptions.liveAmong(ids));
    const { concurrency, sources } = options;
    const heldPerSource = Math.max(leastPerSource, Math.ceil(maxHeld / sources.length));
    // A job holds at least one delivery.
    this.jobsPerSource = concurrency === undefined ? heldPerSource : Math.ceil(concurrency / sources.length);
    this.places = new DeliveryPlaces(heldPerSource);
  }

  onApplicationBootstrap(): void {
    for (const { group, name } of this.options.sources) {
      const work = (job: Job<DeliveryJob>, token?: string) => this.work({ group, name }, job, fetching, token);
      const worker = this.queues.worker(group, name, work);
      const fetching = new JobFetching(worker, this.jobsPerSource, () => !this.places.isFull(group));
      this.workers.push(worker);
    }
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.places.close();
    const timer = setTimeout(() => this.stopping.abort(), finishWithinMs);
    await Promise.all(this.workers.map((worker) => worker.close()));
    clearTimeout(timer);
  }

  private async work(source: QueueRef, job: Job<DeliveryJob>, fetching: JobFetching, token?: string): Promise<void> {
    assertJobVersion('delivery', job.data);
    const entered = this.placeOf(source, job);
    fetching.started(String(job.id));
    const place = await entered;
    if (place === undefined) return this.defer(job, fetching, token);
    const checkpoint = new Checkpoint(job);
    try {
      await this.deliverAll(source, job, checkpoint, place);
      await checkpoint.discard();
    } catch (error) {
      await checkpoint.flush();
      throw error;
    } finally {
      place.leave();
      fetching.ended(String(job.id));
    }
  }

  /** A place for a job, once it is its turn; undefined where the job must leave room for others. */
  private placeOf({ group, name }: QueueRef, job: Job<DeliveryJob>): Promise<Place | undefined> {
    const { endpoint, deliveries } = job.data;
    const [first] = deliveries;
    return this.places.enter({
      source: group,
      endpoint,
      job: String(job.id),
      deliveries,
      isBack: job.attemptsStarted > 1,
      capacity: (first && this.transport.capacity?.(first.client)) ?? Infinity,
      callBack: () => this.queues.queue(group, name).backend.promote(String(job.id)),
    });
  }

  private async defer(job: Job<DeliveryJob>, fetching: JobFetching, token: string | undefined): Promise<never> {
    const { endpoint } = job.data;
    try {
      await job.moveToDelayed(Date.now() + this.places.pauseMs(endpoint), token);
    } finally {
      fetching.forget(String(job.id));
    }
    this.places.isDeferred(endpoint, String(job.id));
    throw new DelayedError();
  }

  private async deliverAll(
    source: QueueRef,
    job: Job<DeliveryJob>,
    checkpoint: Checkpoint,
    place: Place,
  ): Promise<void> {
    const { endpoint, deliveries } = job.data;
    const open = deliveries.filter(({ id }) => !checkpoint.has(id));
    // Whether and how a push is sent, and when it is tried again, are the user's properties.
    await this.loadProperties(open);
    const reasons = await reasonsToSuppress(open, this.cascade, this.live);
    const settled = await Promise.allSettled(
      open.map((delivery) => this.attempt(delivery, reasons.get(delivery), checkpoint, place)),
    );
    const tries = settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    await this.putOff(source, job, tries.filter(isSpared), checkpoint);
    const attempts = tries.filter((attempt) => !isSpared(attempt));
    const again = attempts.filter((attempt) => this.isToRetry(attempt));
    const pauses = new Map(
      (await Promise.all(byWait(again).map((some) => this.sendAgain(source, endpoint, some)))).flat(),
    );
    const ended = attempts.map((attempt): Attempt => {
      const nextAttemptInMs = pauses.get(attempt);
      return nextAttemptInMs === undefined ? attempt : { ...attempt, nextAttemptInMs };
    });
    const cutShort = settled.find((each) => each.status === 'rejected');
    if (cutShort !== undefined) {
      // Only what was in flight is repeated. There is no time left to wait for Postgres, so whoever repeats it tells of all.
      checkpoint.keep(ended);
      throw cutShort.reason;
    }
    await this.record([...checkpoint.unrecorded(deliveries), ...ended], checkpoint);
  }

  /** While Postgres is away, a job comes back to record how its attempts ended, and not to make them again. */
  private async record(attempts: readonly Attempt[], checkpoint: Checkpoint): Promise<void> {
    try {
      await this.outcomes.record(attempts);
    } catch (error) {
      checkpoint.keep(attempts);
      throw error;
    }
  }

  private async attempt(
    delivery: Delivery,
    suppressedFor: string | undefined,
    checkpoint: Checkpoint,
    place: Place,
  ): Promise<Attempt> {
    const startedAt = Date.now();
    const begun = performance.now();
    const unsent: Outcome | undefined =
      suppressedFor === undefined ? this.outcomeUnsent(delivery) : { kind: 'suppressed', reason: suppressedFor };
    const outcome = unsent ?? (await this.outcomeOf(delivery));
    if (outcome.kind === 'delivered') checkpoint.add(delivery.id);
    const durationMs = performance.now() - begun;
    place.ended(unsent === undefined ? verdictOf(outcome) : 'nothing', durationMs);
    return { delivery, outcome, startedAt, durationMs, ...(unsent !== undefined && { isUnsent: true }) };
  }

  /** How an attempt ends that need not be made. */
  private outcomeUnsent(delivery: Delivery): Outcome | undefined {
    if (delivery.expiresAt !== undefined && delivery.expiresAt <= Date.now()) {
      return { kind: 'expired', reason: 'its time to live ended before it could be delivered' };
    }
    const reason = delivery.replyTo === undefined ? this.paused.reason(delivery.client) : undefined;
    return reason === undefined ? undefined : { kind: 'misconfigured', reason };
  }

  /** While Postgres is away, what is known holds. */
  private async loadProperties(deliveries: readonly Delivery[]): Promise<void> {
    try {
      await this.cascade.load(deliveries);
    } catch (error) {
      log.warn({ event: 'delivery.properties-not-loaded', reason: (error as Error).message });
    }
  }

  private isToRetry({ delivery, outcome }: Attempt): boolean {
    if (outcome.kind !== 'retry' || delivery.replyTo !== undefined) return false;
    if (outcome.isWaiting === true) return true;
    return delivery.attempt < this.cascade.resolve('com.openexchange.pns.retry.attempts', delivery).value;
  }

  /** What was put off for the same time leaves the batch together, as one smaller job. Answers the pause of each, in ms. */
  private async sendAgain(
    source: QueueRef,
    endpoint: string,
    attempts: readonly Attempt[],
  ): Promise<(readonly [Attempt, number])[]> {
    // One for all: the longest of a hundred would be about the same for every job.
    const random = Math.random();
    const pauses = attempts.map(({ delivery, outcome }) => {
      const baseMs = this.cascade.resolve('com.openexchange.pns.retry.baseDelay', delivery).value;
      return backOffMs(delivery.attempt, baseMs, outcome.kind === 'retry' ? outcome.afterMs : 0, random);
    });
    const pauseMs = Math.max(0, ...pauses);
    const deliveries = attempts.map(({ delivery }) => ({ ...delivery, attempt: delivery.attempt + 1 }));
    await handOver(this.queues, [{ ...source, endpoint, deliveries }], { delayMs: pauseMs });
    return attempts.map((attempt) => [attempt, pauseMs]);
  }

  /**
   * What nothing was sent of leaves in a job of its own, as the attempt that it still is. The round makes its id another one
   * than this job's, which is still there, and the same one when this job is run again after a crash.
   */
  private async putOff(
    source: QueueRef,
    { id: job, data: { endpoint } }: Job<DeliveryJob>,
    spared: readonly Attempt[],
    checkpoint: Checkpoint,
  ): Promise<void> {
    if (spared.length === 0) return;
    const now = Date.now();
    const random = Math.random();
    const deliveries = spared.map(({ delivery }) => ({ ...delivery, sparedSince: delivery.sparedSince ?? now }));
    const pauses = spared.map(({ delivery, outcome }) => {
      const baseMs = this.cascade.resolve('com.openexchange.pns.retry.baseDelay', delivery).value;
      const askedMs = (outcome.kind === 'retry' && outcome.afterMs) || 0;
      return backOffMs(1, baseMs, Math.max(askedMs, sparedForMs(delivery, now) / sparedParts), random);
    });
    const delayMs = Math.max(...pauses);
    await handOver(this.queues, [{ ...source, endpoint, deliveries }], { delayMs, round: String(job) });
    // At once: this job may be run again when the other one is done with, and its id is free.
    for (const { id } of deliveries) checkpoint.add(id);
    await checkpoint.flush();
    const { name: transport } = this.transport;
    log.debug({ event: 'delivery.spared', transport, job, deliveries: deliveries.length, nextLookInMs: delayMs });
  }

  private async outcomeOf(delivery: Delivery): Promise<Outcome> {
    const { client } = delivery;
    const options = this.transport.options?.(client);
    try {
      const outcome = await this.transport.deliver(delivery, this.stopping.signal);
      if (outcome.kind === 'misconfigured' && outcome.isTargetOnly !== true) {
        this.paused.pause(client, outcome.reason, options);
      }
      if (outcome.kind === 'delivered') this.paused.resume(client);
      if (outcome.kind === 'retry' && outcome.isSpared === true && sparedForMs(delivery, Date.now()) >= maxSparedMs) {
        return { kind: 'expired', reason: 'its endpoint had been failing, and was spared it, for a day' };
      }
      return outcome;
    } catch (error) {
      this.stopping.signal.throwIfAborted();
      // A fault of ours in one delivery must not hold up, or repeat, the others of its job.
      log.error({ event: 'delivery.fault', delivery: delivery.id, transport: this.transport.name, err: error });
      return { kind: 'retry', reason: 'internal error' };
    }
  }
}

/**
 * How long a delivery is spared before it is put aside, in ms: about what the usual ten attempts take. An open circuit lets one
 * delivery through at a time, so that thousands would take turns for weeks where an endpoint never comes back.
 */
const maxSparedMs = 24 * 60 * 60 * 1000;

/**
 * A pause is at least this part of the time that a delivery has been spared: what waits for a dead endpoint grows all day and is not
 * to come back every minute, and an endpoint that is back has everything within about a third of the time that it was away.
 */
const sparedParts = 4;

function sparedForMs({ sparedSince }: Delivery, now: number): number {
  return sparedSince === undefined ? 0 : now - sparedSince;
}

/** Whether nothing was sent, and somebody looks again. Whoever asked for a test is told at once. */
function isSpared({ delivery, outcome }: Attempt): boolean {
  return outcome.kind === 'retry' && outcome.isSpared === true && delivery.replyTo === undefined;
}

/** What an outcome says about how much its far side can take. */
function verdictOf(outcome: Outcome): Verdict {
  if (outcome.kind !== 'retry') return outcome.kind === 'moved' ? 'nothing' : 'answered';
  return outcome.isSpared === true || outcome.isWaiting === true ? 'nothing' : 'failed';
}

/** Times to wait that differ by less than this are one, in ms: a job for each millisecond would be as many jobs as deliveries. */
const waitStepMs = 1000;

/** What a far side put off for longer must not hold up the others. */
function byWait(attempts: readonly Attempt[]): Attempt[][] {
  const groups = new Map<number, Attempt[]>();
  for (const attempt of attempts) {
    const afterMs = (attempt.outcome.kind === 'retry' && attempt.outcome.afterMs) || 0;
    const steps = Math.ceil(afterMs / waitStepMs);
    groups.set(steps, [...(groups.get(steps) ?? []), attempt]);
  }
  return [...groups.values()];
}
