-- Forgets windows of a batch whose deliveries are in their queues, if the batch still belongs to the caller; and the
-- batch, when no window is left in it.
--
-- KEYS  1 batches, 2 taken, 3 batch (see take.lua); then the jobs that carry the deliveries
-- ARGV  1 batch id, 2 owner, 3 how many windows, from the first one on, or "" for all
-- Answer: "settled"; "lost" when the batch was given to another owner or is settled already; "missing" when a job is
if redis.call('LINDEX', KEYS[3], 0) ~= ARGV[2] then
  return 'lost'
end
for at = 4, #KEYS do
  if redis.call('EXISTS', KEYS[at]) == 0 then
    return 'missing'
  end
end
local windows = tonumber(ARGV[3]) or (redis.call('LLEN', KEYS[3]) - 1) / 4
redis.call('LTRIM', KEYS[3], 1 + 4 * windows, -1)
if redis.call('EXISTS', KEYS[3]) == 1 then
  redis.call('LPUSH', KEYS[3], ARGV[2])
else
  redis.call('ZREM', KEYS[1], ARGV[1])
end
-- With the last batch the count ends as well, and with it whatever an older version took or settled without counting.
if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('DECRBY', KEYS[2], windows)
else
  redis.call('DEL', KEYS[2])
end
return 'settled'
