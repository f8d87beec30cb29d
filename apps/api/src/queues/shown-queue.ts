import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import type { Job, Queue } from 'bullmq';

/** The separator of the parts of a queue's name, by which the board sorts queues into folders. */
const delimiter = '.';

/** A queue as the board shows it: read only, and jobs without their data, results and errors, because these contain payloads. */
export class ShownQueue extends BullMQAdapter {
  /** `shard` distinguishes queues with the same name. */
  constructor(queue: Queue, shard: number) {
    super(queue, { readOnlyMode: true, prefix: `shard-${shard}${delimiter}`, delimiter });
  }

  override async getJob(id: string): Promise<Job | undefined> {
    const job = await super.getJob(id);
    return job === undefined ? undefined : withoutContent(job);
  }

  override async getJobs(...range: Parameters<BullMQAdapter['getJobs']>): Promise<Job[]> {
    return (await super.getJobs(...range)).map(withoutContent);
  }
}

/** Removes data, results and errors from the JSON form of a job, which the board shows. */
function withoutContent(job: Job): Job {
  const { id, name, timestamp, processedOn, finishedOn, attemptsMade, delay, failedReason } = job.toJSON();
  const shown = { id, name, timestamp, processedOn, finishedOn, attemptsMade, delay };
  const hidden = { data: {}, opts: {}, progress: 0, returnvalue: null, stacktrace: [] };
  // A failed job stays recognisable; the log has its error.
  const failure = failedReason ? { failedReason: 'The log contains the error.' } : {};
  return Object.assign(job, { toJSON: () => ({ ...shown, ...hidden, ...failure }) });
}
