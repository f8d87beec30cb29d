-- Makes a delayed job the next one that is fetched. BullMQ's `promote` would put the job behind all waiting jobs.
--
-- KEYS  1 delayed, 2 wait, 3 marker (of BullMQ)
-- ARGV  1 prefix of the keys of jobs; 2 the id of the job
-- Answer: 1, or 0 when the job is not delayed any more
if redis.call('ZREM', KEYS[1], ARGV[2]) == 0 then
  return 0
end
redis.call('HSET', ARGV[1] .. ARGV[2], 'delay', 0)
redis.call('RPUSH', KEYS[2], ARGV[2])
redis.call('ZADD', KEYS[3], 0, '0')
return 1
