import type { Readership } from '@pns/queue';
import type { QueueRef } from './routing';

/** How a worker runs the jobs of its transport. */
export interface DeliveryWorkerOptions {
  readonly sources: readonly QueueRef[];
  /** The maximum number of jobs of a source in progress; by default so high that the places for deliveries are the limit. */
  readonly concurrency?: number | undefined;
  /** Whether the attempts of a job begin only after the attempts of earlier jobs have begun. Then all jobs share one endpoint. */
  readonly isOrdered?: boolean | undefined;
  /** Which other processes take jobs from the sources; by default the other workers of the transport. */
  readonly readership?: Readership | undefined;
  /** The script of the app that sends suspect deliveries in a separate process; without it, they are sent in this process. */
  readonly isolatedEntry?: string | undefined;
}
