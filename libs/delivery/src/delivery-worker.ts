import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { ConfigCascade } from '@pns/config-cascade';
import { OutcomeRecorder, type Attempt } from '@pns/outcomes';
import type { SubscriptionStore } from '@pns/persistence';
import { assertJobVersion, Queues, type DeliveryJob, type JobWorker, type Readership } from '@pns/queue';
import { log, RecurringFault, shutdownTimeoutMs } from '@pns/runtime';
import type { Delivery, Outcome, Transport } from '@pns/transport-contract';
import { DelayedError, WaitingError, type Job } from 'bullmq';
import { byWait, isSpared, maxSparedMs, sparedForMs, sparedParts, verdictOf, withVerdict } from './attempts';
import { backOffMs } from './back-off';
import { attemptWithCare, careAfterDeaths, type Attempting } from './care';
import type { Checkpoint } from './checkpoint';
import { DeliveryMemory } from './delivery-memory';
import { DeliveryPlaces, type PlaceRequest, type Places } from './delivery-places';
import { IsolatedTransport } from './isolated-transport';
import { enqueueDeliveries } from './enqueue-deliveries';
import type { PausedClients } from './paused-clients';
import type { QueueRef } from './routing';
import { SharedLookup } from './shared-lookup';
import { reasonsToSuppress } from './suppression';
import { byFirstAcceptance, Turns, type Turn } from './turns';

/** How a process works on the queues of its transport. */
export interface DeliveryWorkerOptions {
  readonly sources: readonly QueueRef[];
  /** Jobs of a source in progress at once; without it, as many as there are places for their deliveries. */
  readonly concurrency?: number | undefined;
  /** Whether the attempts of a job begin only after those of the jobs before it; there is one endpoint then. */
  readonly isOrdered?: boolean | undefined;
  /** Who else takes jobs from the sources; by default the other processes of the transport. */
  readonly readership?: Readership | undefined;
  /** The script of the app that can send in a process of its own; without it, suspect deliveries are sent in this process. */
  readonly isolatedEntry?: string | undefined;
}

/** What a run of a job keeps to. */
interface RunBounds {
  readonly signal: AbortSignal;
  /** Absent where jobs are ordered. */
  readonly places?: Places;
  /** Present where jobs are ordered. */
  readonly turn?: Turn | undefined;
}

/** Deliveries that a process holds at once, of all sources; about 40 MB of memory. */
const maxHeld = 8000;

/** Jobs of a source in progress at once at most, also those whose deliveries have ended and are being recorded. */
const maxJobsPerSource = 1000;

/** What is in flight at SIGTERM has this long to end before it is handed back, in ms. */
const finishWithinMs = shutdownTimeoutMs - 5000;

/** Gives each delivery of a job to the transport, records how it ended, and sends what failed on its way again. */
@Injectable()
export class DeliveryWorker implements OnApplicationBootstrap, BeforeApplicationShutdown {
  /** By the key groups of their queues. */
  private readonly workers = new Map<string, JobWorker<DeliveryJob>>();
  private readonly places = new DeliveryPlaces(maxHeld);
  private readonly live: SharedLookup<ReadonlySet<string>>;
  private readonly memory: DeliveryMemory;
  private readonly isolated: IsolatedTransport | undefined;
  private readonly turns = new Turns(byFirstAcceptance);
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
    const { isolatedEntry } = options;
    this.isolated = isolatedEntry === undefined ? undefined : new IsolatedTransport(transport.name, isolatedEntry);
  }

  onApplicationBootstrap(): void {
    const { concurrency = maxJobsPerSource, readership } = this.options;
    for (const { group, name } of this.options.sources) {
      const work = (job: Job<DeliveryJob>, token?: string, signal?: AbortSignal) =>
        this.work({ group, name }, job, token, signal ?? never);
      const worker = this.queues.worker(group, name, work, { concurrency, readership });
      worker.on('completed', (job) => this.memory.forget(job));
      if (this.options.isOrdered === true) worker.onFetched = (fetched) => this.turns.take(fetched);
      this.workers.set(group, worker);
    }
  }

  async beforeApplicationShutdown(): Promise<void> {
    const closed = [...this.workers.values()].map((worker) => worker.close()); // first, so that they fetch nothing that is called back
    const timer = setTimeout(() => this.handBack(), finishWithinMs);
    await Promise.all([this.places.close(), ...closed]);
    clearTimeout(timer);
  }

  /** Ends what is in flight. */
  private handBack(): void {
    this.isOutOfTime = true;
    for (const worker of this.workers.values()) worker.cancelAllJobs('This process stops.');
  }

  private async work(
    source: QueueRef,
    job: Job<DeliveryJob>,
    token: string | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    if (this.options.isOrdered === true) return this.workInOrder(source, job, token, signal);
    assertJobVersion('delivery', job.data);
    const request = this.placeRequest(source, job);
    const places = await this.places.enter(request);
    if (places === undefined) return this.defer(request, job, token);
    try {
      await this.attend(source, job, token, { places, signal });
    } finally {
      places.leave();
    }
  }

  /** A job that was deferred for a place would be overtaken, so these take none. */
  private async workInOrder(
    source: QueueRef,
    job: Job<DeliveryJob>,
    token: string | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const turn = this.turns.of(job);
    try {
      assertJobVersion('delivery', job.data);
      await this.attend(source, job, token, { turn, signal });
    } finally {
      turn?.done();
    }
  }

  private async attend(
    source: QueueRef,
    job: Job<DeliveryJob>,
    token: string | undefined,
    bounds: RunBounds,
  ): Promise<void> {
    try {
      await this.memory.run(job, (checkpoint) => this.run(source, job, checkpoint, bounds));
    } catch (error) {
      if (!bounds.signal.aborted) throw error;
      // Another worker has the job already, or takes it at once, and goes on where this one stopped.
      if (this.isOutOfTime) await job.moveToWait(token);
      throw new WaitingError();
    }
  }

  private placeRequest({ group }: QueueRef, { id, data }: Job<DeliveryJob>): PlaceRequest {
    const { endpoint, deliveries } = data;
    const [first] = deliveries;
    return {
      endpoint,
      capacity: (first && this.transport.capacity?.(first.client)) ?? Infinity,
      job: `${group} ${id}`,
      deliveries: deliveries.length,
      callBack: async () => (await this.workers.get(group)?.bringForward(String(id))) ?? false,
    };
  }

  private async defer(request: PlaceRequest, job: Job<DeliveryJob>, token: string | undefined): Promise<never> {
    await job.moveToDelayed(Date.now() + this.places.pauseMs(request.endpoint), token);
    this.places.defer(request);
    throw new DelayedError();
  }

  private async run(source: QueueRef, job: Job<DeliveryJob>, checkpoint: Checkpoint, bounds: RunBounds): Promise<void> {
    try {
      await this.deliverAll(source, job, checkpoint, bounds);
      await checkpoint.discard();
    } catch (error) {
      checkpoint.survive();
      // Where another worker has the job, it writes down how far it is.
      await (bounds.signal.aborted && !this.isOutOfTime ? checkpoint.discard() : checkpoint.flush());
      throw error;
    }
  }

  private async deliverAll(
    source: QueueRef,
    job: Job<DeliveryJob>,
    checkpoint: Checkpoint,
    bounds: RunBounds,
  ): Promise<void> {
    const { deliveries } = job.data;
    const open = deliveries.filter((delivery) => !checkpoint.has(delivery.id) && !this.memory.knows(delivery));
    const attempt: Attempting = (some, transport) => this.attemptAll(some, checkpoint, bounds, transport);
    const settled = await (job.stalledCounter < careAfterDeaths
      ? attempt(open)
      : attemptWithCare({ deliveries: open, checkpoint, signal: bounds.signal, attempt }, this.isolated));
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
    bounds: RunBounds,
    transport: Transport = this.transport,
  ): Promise<PromiseSettledResult<Attempt>[]> {
    // Whether and how a push is sent, and when it is tried again, are the user's properties.
    await this.loadProperties(deliveries);
    const reasons = await reasonsToSuppress(deliveries, this.cascade, this.live);
    await bounds.turn?.before;
    const begun = deliveries.map((delivery) =>
      this.attempt(delivery, reasons.get(delivery), checkpoint, bounds, transport),
    );
    bounds.turn?.done();
    return Promise.allSettled(begun);
  }

  private async attempt(
    delivery: Delivery,
    suppressedFor: string | undefined,
    checkpoint: Checkpoint,
    bounds: RunBounds,
    transport: Transport,
  ): Promise<Attempt> {
    const startedAt = Date.now();
    const begun = performance.now();
    const unsent: Outcome | undefined =
      suppressedFor === undefined ? this.outcomeUnsent(delivery) : { kind: 'suppressed', reason: suppressedFor };
    const outcome = unsent ?? (await this.outcomeOf(delivery, bounds.signal, transport));
    if (outcome.kind === 'delivered') {
      this.memory.arrived(delivery);
      checkpoint.add(delivery.id);
    }
    const durationMs = performance.now() - begun;
    bounds.places?.ended(unsent === undefined ? verdictOf(outcome) : 'nothing', durationMs);
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
    await enqueueDeliveries(this.queues, [{ ...source, endpoint, deliveries }], { delayMs: pauseMs });
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
    await enqueueDeliveries(this.queues, [{ ...source, endpoint, deliveries }], { delayMs, round: String(job) });
    // At once: this job may be run again when the other one is done with, and its id is free.
    for (const { id } of deliveries) checkpoint.add(id);
    await checkpoint.flush();
    const { name: transport } = this.transport;
    log.debug({ event: 'delivery.spared', transport, job, deliveries: deliveries.length, nextLookInMs: delayMs });
  }

  private async outcomeOf(delivery: Delivery, signal: AbortSignal, transport: Transport): Promise<Outcome> {
    const { client } = delivery;
    const options = this.transport.options?.(client);
    try {
      const outcome = await transport.deliver(delivery, signal);
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
      if (transport === this.isolated) throw error; // its own process has reported our faults already
      // A fault of ours in one delivery must not hold up, or repeat, the others of its job.
      log.error({ event: 'delivery.fault', delivery: delivery.id, transport: this.transport.name, err: error });
      return { kind: 'retry', reason: 'internal error' };
    }
  }
}

/** The signal of a job that BullMQ gave none. */
const never = new AbortController().signal;
