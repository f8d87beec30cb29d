-- Forgets a batch whose deliveries are in their queues, if it still belongs to the caller.
--
-- KEYS  1 batches, 2 taken, 3 batch (see take.lua)
-- ARGV  1 batch id, 2 owner
-- Answer: 1 when settled, 0 when the batch was given to another owner or is settled already
if redis.call('LINDEX', KEYS[3], 0) ~= ARGV[2] then
  return 0
end
local windows = (redis.call('LLEN', KEYS[3]) - 1) / 4
redis.call('DEL', KEYS[3])
redis.call('ZREM', KEYS[1], ARGV[1])
-- With the last batch the count ends as well, and with it whatever an older version took or settled without counting.
if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('DECRBY', KEYS[2], windows)
else
  redis.call('DEL', KEYS[2])
end
return 1
