export { addJobs, addJobsFrom, type NewJob, type Origin } from './add-jobs';
export { publish, subscriberOf, type Subscriber } from './channel';
export { erasedInAll, heldLocks, jobLock, type Erased } from './erased';
export { jobCounts, type JobCounts } from './job-counts';
export type { JobWorker } from './job-worker';
export { KeySpace } from './key-space';
export { MemoryUse, mostUsedForIntake } from './memory-use';
export { QueueModule, type QueueModuleOptions } from './queue.module';
export { Queues } from './queues.service';
export {
  aggregationQueue,
  assertJobVersion,
  deliveryQueue,
  maxDeliveriesPerJob,
  queueLabel,
  socketNodeGroup,
  socketNodeQueue,
  type DeliveryJob,
  type TickJob,
} from './queues';
export { openRedis } from './open-redis';
export { scanKeys } from './scan';
export { connectRedis, patientCopy, type RedisClient } from './redis';
export { redisFullSentence, redisNearlyFullSentence } from './redis-full';
