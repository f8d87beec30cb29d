import type { ConfigCascade } from '@pns/config-cascade';
import type { Attempt } from '@pns/outcomes';
import type { DeliveryJob, Queues } from '@pns/queue';
import { log } from '@pns/runtime';
import type { TransportName } from '@pns/transport-contract';
import type { Job } from 'bullmq';
import { askedMs, byWait, deferredForMs, deferredParts, deferredSince, isDeferred, nextAttemptOf } from './attempts';
import { backOffMs } from './back-off';
import type { Checkpoint } from './checkpoint';
import { enqueueDeliveries } from './enqueue-deliveries';
import type { QueueRef } from './routing';

/** Enqueues the deliveries of a job that must be attempted again: retries of failed attempts, and deferred deliveries. */
export class NextAttempts {
  constructor(
    private readonly queues: Queues,
    private readonly cascade: ConfigCascade,
    private readonly transport: TransportName,
  ) {}

  /** Enqueues the retries of the failed attempts, one smaller job for each wait. Resolves with whether there were any. */
  async retry(
    source: QueueRef,
    endpoint: string,
    attempts: readonly Attempt[],
    checkpoint: Checkpoint,
  ): Promise<boolean> {
    const failed = attempts.filter((attempt) => this.needsRetry(attempt));
    if (failed.length === 0) return false;
    await Promise.all(byWait(failed, askedMs).map((some) => this.enqueueRetries(source, endpoint, some, checkpoint)));
    return true;
  }

  /** Enqueues the deferred deliveries among the attempts as new jobs with the same attempt number, one for each wait, and returns them. */
  async defer(
    source: QueueRef,
    job: Job<DeliveryJob>,
    attempts: readonly Attempt[],
    checkpoint: Checkpoint,
  ): Promise<Attempt[]> {
    const deferred = attempts.filter(isDeferred);
    if (deferred.length === 0) return deferred;
    const now = Date.now();
    const waitMs = (attempt: Attempt): number =>
      Math.max(askedMs(attempt), deferredForMs(attempt.delivery, now) / deferredParts);
    const enqueued = await Promise.all(
      byWait(deferred, waitMs).map((some) => this.enqueueDeferred(source, job, some, waitMs, now)),
    );
    // The progress is written at once. If this job runs again after the new jobs have ended, only the progress prevents that the
    // deliveries are enqueued twice.
    for (const { delivery } of deferred) checkpoint.add(delivery.id);
    await checkpoint.flush();
    return enqueued.flat();
  }

  /** Enqueues deferred deliveries with the same wait as one job. */
  private async enqueueDeferred(
    source: QueueRef,
    { id: job, data: { endpoint } }: Job<DeliveryJob>,
    deferred: readonly Attempt[],
    waitMs: (attempt: Attempt) => number,
    now: number,
  ): Promise<Attempt[]> {
    const random = Math.random();
    const deliveries = deferred.map(({ delivery }) => ({ ...delivery, deferredSince: deferredSince(delivery) ?? now }));
    const pauses = deferred.map((attempt) => {
      const baseMs = this.cascade.resolve('com.openexchange.pns.retry.baseDelay', attempt.delivery).value;
      return backOffMs(1, baseMs, waitMs(attempt), random);
    });
    const delayMs = Math.max(...pauses);
    // The round gives the new job another id than this job, which still exists. When this job runs again after a crash, the round
    // and the id are the same, so the new job is not added twice.
    await enqueueDeliveries(this.queues, [{ ...source, endpoint, deliveries }], { delayMs, round: String(job) });
    const { transport } = this;
    log.debug({ event: 'delivery.deferred', transport, job, deliveries: deliveries.length, nextRunInMs: delayMs });
    return deferred.map((attempt) => ({ ...attempt, nextAttemptInMs: delayMs }));
  }

  /** Whether the delivery must be retried and the retry is not enqueued yet. */
  private needsRetry({ delivery, outcome, nextAttemptInMs }: Attempt): boolean {
    if (outcome.kind !== 'retry' || delivery.replyTo !== undefined || nextAttemptInMs !== undefined) return false;
    if (outcome.isWaiting === true) return true;
    return delivery.attempt < this.cascade.resolve('com.openexchange.pns.retry.attempts', delivery).value;
  }

  /** Enqueues the retries of attempts with the same wait as one job. */
  private async enqueueRetries(
    source: QueueRef,
    endpoint: string,
    attempts: readonly Attempt[],
    checkpoint: Checkpoint,
  ): Promise<void> {
    // Deliveries of a job share one random value. With separate values, the maximum of a hundred pauses would be about the same
    // for every job, and jobs that failed together would be retried together.
    const random = Math.random();
    const pauses = attempts.map(({ delivery, outcome }) => {
      const baseMs = this.cascade.resolve('com.openexchange.pns.retry.baseDelay', delivery).value;
      return backOffMs(delivery.attempt, baseMs, outcome.kind === 'retry' ? outcome.afterMs : 0, random);
    });
    const pauseMs = Math.max(0, ...pauses);
    const deliveries = attempts.map(nextAttemptOf);
    await enqueueDeliveries(this.queues, [{ ...source, endpoint, deliveries }], { delayMs: pauseMs });
    checkpoint.keep(attempts.map((attempt) => ({ ...attempt, nextAttemptInMs: pauseMs })));
  }
}
