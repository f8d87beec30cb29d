import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { ConfigCascade } from '@pns/config-cascade';
import { OutcomeRecorder, type Attempt } from '@pns/outcomes';
import type { SubscriptionStore } from '@pns/persistence';
import { assertJobVersion, Queues, type DeliveryJob, type JobWorker } from '@pns/queue';
import { log, RecurringFault, shutdownTimeoutMs } from '@pns/runtime';
import { byAcceptance, type Delivery, type Outcome, type Transport } from '@pns/transport-contract';
import { DelayedError, WaitingError, type Job } from 'bullmq';
import { backOffMs } from './back-off';
import { careAfterDeaths, givenUp, isDeadly, stepsOf, withCare } from './care';
import type { Checkpoint } from './checkpoint';
import { DeliveryMemory } from './delivery-memory';
import { EndpointSlots } from './endpoint-slots';
import { handOver, type QueueRef } from './hand-over';
import type { PausedClients } from './paused-clients';
import { SharedLookup } from './shared-lookup';
import { reasonsToSuppress } from './suppression';
import { Turns, type Turn } from './turns';

/** How a process works on the queues of its transport. */
export interface DeliveryWorkerOptions {
  readonly sources: readonly QueueRef[];
  /** Jobs that this process has in hand at once, shared out to its sources; each holds up to a hundred deliveries. */
  readonly concurrency: number;
  /** How many jobs of a source one endpoint may have at work, and as many waiting; by default an eighth of the source's. */
  readonly jobsPerEndpoint?: number | undefined;
  /** Whether the attempts of a job begin only after those of the jobs before it; there is one endpoint then. */
  readonly isOrdered?: boolean | undefined;
}

/** However many sources there are, each has room for four slow endpoints and for others beside them. */
const leastPerSource = 10;

/** What is in flight at SIGTERM has this long to end before it is handed back, in ms. */
const finishWithinMs = shutdownTimeoutMs - 5000;

/** Gives each delivery of a job to the transport, records how it ended, and sends what failed on its way again. */
@Injectable()
export class DeliveryWorker implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly workers: JobWorker<DeliveryJob>[] = [];
  private readonly slots: EndpointSlots;
  private readonly live: SharedLookup<ReadonlySet<string>>;
  private readonly memory: DeliveryMemory;
  private readonly jobsPerSource: number;
  private readonly turns = new Turns(byFirst);
  private isOutOfTime = false;
  private readonly propertiesFault = new RecurringFault('delivery.properties-not-loaded', 'delivery.properties-loaded');

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
    this.memory = new DeliveryMemory(queues.redis);
    this.jobsPerSource = Math.max(leastPerSource, Math.ceil(options.concurrency / options.sources.length));
    // As many may wait as may run, so four endpoints that fill both leave at least one place.
    this.slots = new EndpointSlots(options.jobsPerEndpoint ?? Math.floor((this.jobsPerSource - 1) / 8));
  }

  onApplicationBootstrap(): void {
    for (const { group, name } of this.options.sources) {
      const work = (job: Job<DeliveryJob>, token?: string, signal?: AbortSignal) =>
        this.work({ group, name }, job, token, signal ?? never);
      const worker = this.queues.worker(group, name, work, { concurrency: this.jobsPerSource });
      worker.on('completed', (job) => this.memory.forget(job));
      if (this.options.isOrdered === true) worker.onFetched = (fetched) => this.turns.take(fetched);
      this.workers.push(worker);
    }
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.slots.close();
    const timer = setTimeout(() => this.handBack(), finishWithinMs);
    await Promise.all(this.workers.map((worker) => worker.close()));
    clearTimeout(timer);
  }

  /** Ends what is in flight. */
  private handBack(): void {
    this.isOutOfTime = true;
    for (const worker of this.workers) worker.cancelAllJobs('This process stops.');
  }

  private async work(
    source: QueueRef,
    job: Job<DeliveryJob>,
    token: string | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    if (this.options.isOrdered === true) return this.workInOrder(source, job, token, signal);
    assertJobVersion('delivery', job.data);
    // A slow endpoint is not to fill the places of its shard's queue, however few these are.
    const endpoint = `${source.group} ${job.data.endpoint}`;
    if (!(await this.slots.enter(endpoint, String(job.id), () => this.callBack(source, String(job.id))))) {
      await job.moveToDelayed(Date.now() + this.slots.pauseMs(endpoint), token);
      throw new DelayedError();
    }
    const startedAt = performance.now();
    try {
      await this.attend(source, job, token, signal);
    } finally {
      this.slots.leave(endpoint, performance.now() - startedAt);
    }
  }

  /** A job that waited for a slot elsewhere would be overtaken, so these take none. */
  private async workInOrder(
    source: QueueRef,
    job: Job<DeliveryJob>,
    token: string | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      assertJobVersion('delivery', job.data);
      await this.attend(source, job, token, signal);
    } finally {
      this.turns.of(job)?.done();
    }
  }

  private async attend(
    source: QueueRef,
    job: Job<DeliveryJob>,
    token: string | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      await this.memory.run(job, (checkpoint) => this.run(source, job, checkpoint, signal));
    } catch (error) {
      if (!signal.aborted) throw error;
      // Another worker has the job already, or takes it at once, and goes on where this one stopped.
      if (this.isOutOfTime) await job.moveToWait(token);
      throw new WaitingError();
    }
  }

  private async run(
    source: QueueRef,
    job: Job<DeliveryJob>,
    checkpoint: Checkpoint,
    signal: AbortSignal,
  ): Promise<void> {
    try {
      await this.deliverAll(source, job, checkpoint, signal);
      await checkpoint.discard();
    } catch (error) {
      checkpoint.survive();
      // Where another worker has the job, it writes down how far it is.
      await (signal.aborted && !this.isOutOfTime ? checkpoint.discard() : checkpoint.flush());
      throw error;
    }
  }

  /** A job that somebody else has by now, or that comes back by itself, need not be called. */
  private callBack({ group, name }: QueueRef, job: string): void {
    this.queues
      .queue(group, name)
      .backend.promote(job)
      .catch(() => undefined);
  }

  private async deliverAll(
    source: QueueRef,
    job: Job<DeliveryJob>,
    checkpoint: Checkpoint,
    signal: AbortSignal,
  ): Promise<void> {
    const { deliveries } = job.data;
    const turn = this.turns.of(job);
    const open = deliveries.filter((delivery) => !checkpoint.has(delivery.id) && !this.memory.knows(delivery));
    const settled = await (job.stalledCounter < careAfterDeaths
      ? this.attemptAll(open, checkpoint, signal, turn)
      : this.attemptWithCare(open, checkpoint, signal, turn));
    const tries = settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []));
    // Whatever fails from here on is done again without another attempt.
    checkpoint.keep(tries.filter((attempt) => !isSpared(attempt)));
    await this.putOff(source, job, tries.filter(isSpared), checkpoint);
    const again = checkpoint.unrecorded(deliveries).filter((attempt) => this.isToRetry(attempt));
    await Promise.all(byWait(again).map((some) => this.sendAgain(source, job.data.endpoint, some, checkpoint)));
    // There is no time left to wait for Postgres, so the attempts are recorded where the job is run again.
    for (const each of settled) if (each.status === 'rejected') throw each.reason;
    await this.outcomes.record(checkpoint.unrecorded(deliveries).map(withVerdict));
    checkpoint.close(deliveries);
  }

  private async attemptAll(
    deliveries: readonly Delivery[],
    checkpoint: Checkpoint,
    signal: AbortSignal,
    turn?: Turn,
  ): Promise<PromiseSettledResult<Attempt>[]> {
    // Whether and how a push is sent, and when it is tried again, are the user's properties.
    await this.loadProperties(deliveries);
    const reasons = await reasonsToSuppress(deliveries, this.cascade, this.live);
    await turn?.before;
    const begun = deliveries.map((delivery) => this.attempt(delivery, reasons.get(delivery), checkpoint, signal));
    turn?.done();
    return Promise.allSettled(begun);
  }

  /** Sends what a process may die of a few at a time, and gives up what it died of. */
  private async attemptWithCare(
    deliveries: readonly Delivery[],
    checkpoint: Checkpoint,
    signal: AbortSignal,
    turn?: Turn,
  ): Promise<PromiseSettledResult<Attempt>[]> {
    const settled: PromiseSettledResult<Attempt>[] = [];
    const deadly = deliveries.filter(({ id }) => isDeadly(checkpoint.triesOf(id)));
    for (const delivery of deadly) settled.push({ status: 'fulfilled', value: givenUp(delivery) });
    const others = deliveries.filter((delivery) => !deadly.includes(delivery));
    for (const step of stepsOf(others, (id) => checkpoint.triesOf(id))) {
      if (signal.aborted) return [...settled, { status: 'rejected', reason: signal.reason as unknown }];
      const ended = await withCare(
        () => checkpoint.begin(step.map(({ id }) => id)),
        () => this.attemptAll(step, checkpoint, signal, turn),
      );
      checkpoint.survive();
      checkpoint.keep(
        ended.flatMap((each) => (each.status === 'fulfilled' && !isSpared(each.value) ? [each.value] : [])),
      );
      settled.push(...ended);
    }
    return settled;
  }

  private async attempt(
    delivery: Delivery,
    suppressedFor: string | undefined,
    checkpoint: Checkpoint,
    signal: AbortSignal,
  ): Promise<Attempt> {
    const startedAt = Date.now();
    const begun = performance.now();
    const unsent: Outcome | undefined =
      suppressedFor === undefined ? this.outcomeUnsent(delivery) : { kind: 'suppressed', reason: suppressedFor };
    const outcome = unsent ?? (await this.outcomeOf(delivery, signal));
    if (outcome.kind === 'delivered') {
      this.memory.arrived(delivery);
      checkpoint.add(delivery.id);
    }
    const durationMs = performance.now() - begun;
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
      this.propertiesFault.isOver();
    } catch (error) {
      this.propertiesFault.occurred(error);
    }
  }

  /** Whether another attempt is due that is not on its way yet. */
  private isToRetry({ delivery, outcome, nextAttemptInMs }: Attempt): boolean {
    if (outcome.kind !== 'retry' || delivery.replyTo !== undefined || nextAttemptInMs !== undefined) return false;
    if (outcome.isWaiting === true) return true;
    return delivery.attempt < this.cascade.resolve('com.openexchange.pns.retry.attempts', delivery).value;
  }

  /** What was put off for the same time leaves the batch together, as one smaller job. */
  private async sendAgain(
    source: QueueRef,
    endpoint: string,
    attempts: readonly Attempt[],
    checkpoint: Checkpoint,
  ): Promise<void> {
    // One for all: the longest of a hundred would be about the same for every job.
    const random = Math.random();
    const pauses = attempts.map(({ delivery, outcome }) => {
      const baseMs = this.cascade.resolve('com.openexchange.pns.retry.baseDelay', delivery).value;
      return backOffMs(delivery.attempt, baseMs, outcome.kind === 'retry' ? outcome.afterMs : 0, random);
    });
    const pauseMs = Math.max(0, ...pauses);
    const deliveries = attempts.map(({ delivery }) => ({ ...delivery, attempt: delivery.attempt + 1 }));
    await handOver(this.queues, [{ ...source, endpoint, deliveries }], { delayMs: pauseMs });
    checkpoint.keep(attempts.map((attempt) => ({ ...attempt, nextAttemptInMs: pauseMs })));
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

  private async outcomeOf(delivery: Delivery, signal: AbortSignal): Promise<Outcome> {
    const { client } = delivery;
    const options = this.transport.options?.(client);
    try {
      const outcome = await this.transport.deliver(delivery, signal);
      if (outcome.kind === 'misconfigured' && outcome.isTargetOnly !== true) {
        this.paused.pause(client, outcome.reason, options);
      }
      if (outcome.kind === 'delivered') this.paused.resume(client);
      if (outcome.kind === 'retry' && outcome.isSpared === true && sparedForMs(delivery, Date.now()) >= maxSparedMs) {
        return { kind: 'expired', reason: 'its endpoint had been failing, and was spared it, for a day' };
      }
      return outcome;
    } catch (error) {
      signal.throwIfAborted();
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

/** Compares jobs by the acceptance of their first delivery. */
function byFirst(one: Job<DeliveryJob>, other: Job<DeliveryJob>): number {
  // A job of a version that this one does not know may have none.
  const [first, second] = [one, other].map((job) => (job.data as Partial<DeliveryJob>).deliveries?.[0]);
  return first === undefined || second === undefined ? 0 : byAcceptance(first, second);
}

/** The signal of a job that BullMQ gave none. */
const never = new AbortController().signal;

/** The last attempt that failed ends the delivery. Who asked for a test is told that another attempt would be made. */
function withVerdict(attempt: Attempt): Attempt {
  const { delivery, outcome, nextAttemptInMs } = attempt;
  if (outcome.kind !== 'retry' || nextAttemptInMs !== undefined || delivery.replyTo !== undefined) return attempt;
  return { ...attempt, outcome: { kind: 'exhausted', reason: outcome.reason } };
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
