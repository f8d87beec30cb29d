export { publish, subscriberOf, type Subscriber } from './channel';
export { KeySpace } from './key-space';
export { LuaScript } from './lua-script';
export { memoryUses, MemoryUse, mostUsedForIntake } from './memory-use';
export { openRedis } from './open-redis';
export { connectRedis, patientCopy, type RedisClient } from './redis';
export { redisFullSentence, redisNearlyFullSentence } from './redis-full';
export { scanKeys } from './scan';
export { connectToOwner } from './slot-owner';
