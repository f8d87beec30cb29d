-- Deletes the first windows of a batch when their deliveries are in their queues, if the caller still owns the batch. Deletes the
-- batch when no window is left in it.
--
-- KEYS  1 batches, 2 taken, 3 batch, 4 holders (see take.lua); then the jobs that carry the deliveries
-- ARGV  1 batch id, 2 owner, 3 how many windows, from the first one on, or "" for all
-- Answer: "settled"; "passed" when no window is left and due windows, which need a tick now, were skipped because of this
--         batch; "lost" when the batch has another owner or is settled already; "missing" when one of the jobs does not exist
local id = ARGV[1]
if redis.call('LINDEX', KEYS[3], 0) ~= ARGV[2] then
  return 'lost'
end
for at = 5, #KEYS do
  if redis.call('EXISTS', KEYS[at]) == 0 then
    return 'missing'
  end
end
local windows = tonumber(ARGV[3]) or (redis.call('LLEN', KEYS[3]) - 1) / 4
redis.call('LTRIM', KEYS[3], 1 + 4 * windows, -1)
local passed = 0
if redis.call('EXISTS', KEYS[3]) == 1 then
  redis.call('LPUSH', KEYS[3], ARGV[2])
else
  redis.call('ZREM', KEYS[1], id)
  local fields = { 'users ' .. id }
  for user in string.gmatch(redis.call('HGET', KEYS[4], 'users ' .. id) or '', '%S+') do fields[#fields + 1] = user end
  redis.call('HDEL', KEYS[4], unpack(fields))
  passed = redis.call('HDEL', KEYS[4], 'passed ' .. id)
end
-- The count of taken windows is deleted with the last batch. This removes errors of older versions, which took or settled batches
-- without counting.
if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('DECRBY', KEYS[2], windows)
else
  redis.call('DEL', KEYS[2], KEYS[4])
end
return passed == 1 and 'passed' or 'settled'
