export { addJobs, addJobsFrom, type NewJob, type Origin } from './add-jobs';
export { erasedInAll, heldLocks, jobLock, type Erased } from './erased';
export { assertDeliveryJob } from './delivery-job';
export { jobCounts, type JobCounts } from './job-counts';
export { charactersOf, type JobWorker, type Readership } from './job-worker';
export { QueueModule } from './queue.module';
export { Queues } from './queues.service';
export {
  aggregationQueue,
  assertJobVersion,
  deliveryQueue,
  maxCharactersPerJob,
  maxDeliveriesPerJob,
  queueLabel,
  socketNodeGroup,
  socketNodeQueue,
  type DeliveryJob,
  type TickJob,
} from './queues';
