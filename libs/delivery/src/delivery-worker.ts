import { Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { ConfigCascade } from '@pns/config-cascade';
import { OutcomeRecorder, type Attempt } from '@pns/outcomes';
import type { SubscriptionStore } from '@pns/persistence';
import { assertDeliveryJob, charactersOf, Queues, type DeliveryJob, type JobWorker } from '@pns/queue';
import { log, RecurringFault, shortTurn, shutdownTimeoutMs } from '@pns/runtime';
import type { Delivery, Outcome, Transport } from '@pns/transport-contract';
import { DelayedError, WaitingError, type Job } from 'bullmq';
import { attemptsAmong, internalError, isDeferred, verdictOf, withoutEndlessDeferral, withVerdict } from './attempts';
import { tracedAttempt } from './attempt-span';
import {
  attemptSuspects,
  isolatedTransports,
  suspectAfterDeaths,
  type Attempting,
  type IsolatedTransports,
} from './suspects';
import type { Checkpoint } from './checkpoint';
import { DeliveryMemory } from './delivery-memory';
import type { FailingEndpoints } from './failing-endpoints';
import { DeliveryPlaces, type PlaceRequest, type Places } from './delivery-places';
import type { DeliveryWorkerOptions } from './delivery-worker-options';
import { IsolatedTransport } from './isolated-transport';
import { NextAttempts } from './next-attempts';
import type { PausedClients } from './paused-clients';
import type { QueueRef } from './routing';
import { SharedLookup } from './shared-lookup';
import { reasonsToSuppress } from './suppression';
import { byFirstAcceptance, Turns, type Turn } from './turns';

/** The limits of one run of a job. */
interface RunBounds {
  readonly signal: AbortSignal;
  /** Absent when jobs are ordered. */
  readonly places?: Places;
  /** Present when jobs are ordered. */
  readonly turn?: Turn | undefined;
}

/**
 * Places for the deliveries in this process, in flight or waiting, from all sources. A place is for `charactersPerPlace` of a job's
 * JSON, so the deliveries take about 100 MB of memory at most.
 */
const maxPlaces = 48_000;

/** A delivery that is longer than this, in characters of JSON with the payload, takes several places. */
const charactersPerPlace = 1024;

/** Maximum number of jobs of a source in progress at once, including jobs whose deliveries have ended and are being recorded. */
const maxJobsPerSource = 1000;

/** Deliveries that are in flight at SIGTERM may take this long before their jobs return to the queue, in ms. */
const finishWithinMs = shutdownTimeoutMs - 5000;

/** Sends each delivery of a job through the transport, records the outcomes, and enqueues retries. */
@Injectable()
export class DeliveryWorker implements OnApplicationBootstrap, BeforeApplicationShutdown {
  /** The workers by the key groups of their queues. */
  private readonly workers = new Map<string, JobWorker<DeliveryJob>>();
  private readonly places = new DeliveryPlaces(maxPlaces);
  private readonly live: SharedLookup<ReadonlySet<string>>;
  private readonly memory: DeliveryMemory;
  private readonly next: NextAttempts;
  private readonly isolated: IsolatedTransports | undefined;
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
    /** Absent if users cannot choose endpoints of the transport. */
    private readonly endpoints?: FailingEndpoints,
  ) {
    this.live = new SharedLookup((ids) => subscriptions.liveAmong(ids));
    this.memory = new DeliveryMemory(queues.redis);
    this.next = new NextAttempts(queues, cascade, transport.name);
    this.isolated = isolatedTransports(transport.name, options.isolatedEntry);
  }

  onApplicationBootstrap(): void {
    const { concurrency = maxJobsPerSource, readership } = this.options;
    for (const { group, name } of this.options.sources) {
      const work = (job: Job<DeliveryJob>, token?: string, signal?: AbortSignal) =>
        this.work({ group, name }, job, token, signal ?? neverAborted);
      const worker = this.queues.worker(group, name, work, { concurrency, readership });
      worker.on('completed', (job) => this.memory.forget(job));
      worker.onTaken = (taken) => this.memory.lost(taken);
      if (this.options.isOrdered === true) worker.onFetched = (fetched) => this.turns.take(fetched);
      this.workers.set(group, worker);
    }
  }

  async beforeApplicationShutdown(): Promise<void> {
    // The workers are closed first, so that they do not fetch jobs that `places.close` wakes.
    const closed = [...this.workers.values()].map((worker) => worker.close());
    const timer = setTimeout(() => this.cancelJobs(), finishWithinMs);
    await Promise.all([this.places.close(), ...closed]);
    clearTimeout(timer);
  }

  /** Cancels the jobs in progress, which return to the queue. */
  private cancelJobs(): void {
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
    assertDeliveryJob(job.data);
    const request = this.placeRequest(source, job);
    const places = await this.places.enter(request);
    if (places === undefined) return this.defer(request, job, token);
    try {
      await this.runOrReturn(source, job, token, { places, signal });
    } finally {
      places.leave();
    }
  }

  /** Runs a job when its turn has come. It takes no places, because later jobs would overtake a deferred job. */
  private async workInOrder(
    source: QueueRef,
    job: Job<DeliveryJob>,
    token: string | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const turn = this.turns.of(job);
    try {
      assertDeliveryJob(job.data);
      await this.runOrReturn(source, job, token, { turn, signal });
    } finally {
      turn?.done();
    }
  }

  private async runOrReturn(
    source: QueueRef,
    job: Job<DeliveryJob>,
    token: string | undefined,
    bounds: RunBounds,
  ): Promise<void> {
    try {
      await this.memory.run(job, (checkpoint) => this.run(source, job, checkpoint, bounds));
    } catch (error) {
      if (!bounds.signal.aborted) throw error;
      // Another worker has the job already, or takes it after `moveToWait`. It continues from the checkpoint.
      if (this.isOutOfTime) await job.moveToWait(token);
      throw new WaitingError();
    }
  }

  private placeRequest({ group }: QueueRef, job: Job<DeliveryJob>): PlaceRequest {
    const { id } = job;
    const { endpoint, deliveries } = job.data;
    const [first] = deliveries;
    return {
      endpoint,
      capacity: (first && this.transport.capacity?.(first.client)) ?? Infinity,
      job: `${group} ${id}`,
      deliveries: deliveries.length,
      size: Math.max(1, Math.ceil(charactersOf(job) / deliveries.length / charactersPerPlace)),
      wake: async () => (await this.workers.get(group)?.bringForward(String(id))) ?? false,
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
      await checkpoint.flush();
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
    const settled = await (job.stalledCounter < suspectAfterDeaths
      ? attempt(open)
      : attemptSuspects({ deliveries: open, checkpoint, signal: bounds.signal, attempt }, this.isolated));
    const tries = attemptsAmong(settled);
    // These attempts are stored, so that the job does not repeat them if a later step fails and the job runs again.
    checkpoint.keep(tries.filter((attempt) => !isDeferred(attempt)));
    // The cache may have evicted users during the attempts. Their properties decide about retries and the history, so these
    // properties are loaded again.
    if (!bounds.signal.aborted) await this.loadProperties(deliveries);
    this.outcomes.deferred(await this.next.defer(source, job, tries, checkpoint));
    let ended = checkpoint.unrecorded(deliveries);
    const areRetried = await this.next.retry(source, job.data.endpoint, ended, checkpoint);
    if (areRetried) ended = checkpoint.unrecorded(deliveries);
    // If an attempt was aborted, nothing is recorded here, because during shutdown there is no time to wait for Postgres. The
    // process that runs the job again records the attempts.
    for (const each of settled) if (each.status === 'rejected') throw each.reason;
    await this.outcomes.record(ended.map(withVerdict));
    checkpoint.close(deliveries);
  }

  private async attemptAll(
    deliveries: readonly Delivery[],
    checkpoint: Checkpoint,
    bounds: RunBounds,
    transport: Transport = this.transport,
  ): Promise<PromiseSettledResult<Attempt>[]> {
    // Properties of the user decide whether and how a push is sent, and when it is retried.
    await this.loadProperties(deliveries);
    const reasons = await reasonsToSuppress(deliveries, this.cascade, this.live);
    await bounds.turn?.before;
    const begun: Promise<Attempt>[] = [];
    for (const delivery of deliveries) {
      // A tenant's template and payload can take some ms for each push, and many jobs may begin in one turn of the event loop.
      // So a long turn ends here, and the next push begins in another turn.
      const turn = shortTurn();
      if (turn !== undefined) {
        void Promise.allSettled(begun); // handles attempts that reject before all have begun
        await turn;
      }
      begun.push(this.attempt(delivery, reasons.get(delivery), checkpoint, bounds, transport));
    }
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
    const outcome = await (delivery.traceparent === undefined
      ? (unsent ?? this.outcomeOf(delivery, bounds.signal, transport))
      : tracedAttempt(delivery, unsent, (each) => this.outcomeOf(each, bounds.signal, transport)));
    if (outcome.kind === 'delivered') {
      this.memory.arrived(delivery);
      checkpoint.add(delivery.id);
    }
    const durationMs = performance.now() - begun;
    if (unsent === undefined) this.endpoints?.attempted(delivery, outcome);
    bounds.places?.ended(unsent === undefined ? verdictOf(outcome) : 'nothing', durationMs);
    return { delivery, outcome, startedAt, durationMs, isUnsent: unsent === undefined ? undefined : true };
  }

  /** The outcome of an attempt that is not made; undefined when it must be made. */
  private outcomeUnsent(delivery: Delivery): Outcome | undefined {
    if (delivery.expiresAt !== undefined && delivery.expiresAt <= Date.now()) {
      return { kind: 'expired', reason: 'the time to live ended before the delivery' };
    }
    const reason = delivery.replyTo === undefined ? this.paused.reason(delivery.client) : undefined;
    return reason === undefined ? this.endpoints?.outcomeOff(delivery) : { kind: 'misconfigured', reason };
  }

  /** Loads the properties of the users. While Postgres is away, the known properties stay in effect. */
  private async loadProperties(deliveries: readonly Delivery[]): Promise<void> {
    try {
      await this.cascade.load(deliveries);
      this.propertiesFault.isOver();
    } catch (error) {
      this.propertiesFault.occurred(error);
    }
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
      return withoutEndlessDeferral(delivery, outcome);
    } catch (error) {
      signal.throwIfAborted();
      if (transport instanceof IsolatedTransport) throw error; // the isolated process died or did not start
      // An internal fault in one delivery must not delay or repeat the other deliveries of its job.
      log.error({ event: 'delivery.fault', delivery: delivery.id, transport: this.transport.name, err: error });
      return internalError;
    }
  }
}

/** The signal for jobs that were started without a signal. */
const neverAborted = new AbortController().signal;
