-- Forgets a batch whose deliveries are in their queues, if it still belongs to the caller.
--
-- KEYS  1 batches, 2 taken, 3 batch, 4 holders (see take.lua)
-- ARGV  1 batch id, 2 owner
-- Answer: "settled"; "passed" when it is settled and due windows were passed over because of it, which need a tick now; "lost"
--         when it was given to another owner or is settled already
local id = ARGV[1]
if redis.call('LINDEX', KEYS[3], 0) ~= ARGV[2] then
  return 'lost'
end
local windows = (redis.call('LLEN', KEYS[3]) - 1) / 4
redis.call('DEL', KEYS[3])
redis.call('ZREM', KEYS[1], id)
local fields = { 'users ' .. id }
for user in string.gmatch(redis.call('HGET', KEYS[4], 'users ' .. id) or '', '%S+') do fields[#fields + 1] = user end
redis.call('HDEL', KEYS[4], unpack(fields))
local passed = redis.call('HDEL', KEYS[4], 'passed ' .. id)
-- With the last batch the count ends as well, and with it whatever an older version took or settled without counting.
if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('DECRBY', KEYS[2], windows)
else
  redis.call('DEL', KEYS[2], KEYS[4])
end
return passed == 1 and 'passed' or 'settled'
