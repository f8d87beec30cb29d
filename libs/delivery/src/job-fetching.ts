import type { Job, Worker } from 'bullmq';

/** So many jobs are fetched before their turn: one that can start at once, and one request to Redis that waits for a job. */
const ahead = 2;

/** BullMQ reports the end of a job within this time, in ms, unless Redis is away. */
const reportMs = 1000;

/**
 * Lets a BullMQ worker fetch only what can start at once. The worker fetches one job after the other up to its concurrency before it
 * starts the first one, so a high concurrency delays jobs; here it follows the number of jobs in progress.
 */
export class JobFetching {
  /** Jobs in progress, by id; with a timer once they have ended and BullMQ has yet to report it. */
  private readonly jobs = new Map<string, NodeJS.Timeout | undefined>();

  /** `most` jobs are in progress at once, and no more are fetched while there is no room. */
  constructor(
    private readonly worker: Worker,
    private readonly most: number,
    private readonly hasRoom: () => boolean,
  ) {
    worker.on('completed', (job: Job) => this.forget(String(job.id)));
    worker.on('failed', (job?: Job) => this.forget(String(job?.id)));
    this.adjust();
  }

  started(id: string): void {
    clearTimeout(this.jobs.get(id));
    this.jobs.set(id, undefined);
    this.adjust();
  }

  /** The job's work is done. BullMQ still counts it until it has told Redis, and fetches the next one on the way. */
  ended(id: string): void {
    this.jobs.set(id, setTimeout(() => this.forget(id), reportMs).unref());
    this.adjust();
  }

  /** The job has left, and nothing will be reported of it. */
  forget(id: string): void {
    clearTimeout(this.jobs.get(id));
    this.jobs.delete(id);
    this.adjust();
  }

  private adjust(): void {
    this.worker.concurrency = this.hasRoom() ? Math.min(this.most, this.jobs.size + ahead) : 1;
  }
}
