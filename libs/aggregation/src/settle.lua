-- Forgets a batch whose deliveries are in their queues, if it still belongs to the caller.
--
-- KEYS  1 batches, 2 batch (see take.lua)
-- ARGV  1 batch id, 2 owner
-- Answer: 1 when settled, 0 when the batch was given to another owner or is settled already
if redis.call('LINDEX', KEYS[2], 0) ~= ARGV[2] then
  return 0
end
redis.call('DEL', KEYS[2])
redis.call('ZREM', KEYS[1], ARGV[1])
return 1
