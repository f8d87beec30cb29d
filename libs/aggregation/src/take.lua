-- Moves due windows of a shard into a batch that the calling job owns; a batch that the job already has comes first,
-- so a job that is run again after its process died goes on where that one stood.
--
-- KEYS  1 due, 2 items, 3 spans, 4 now (see join.lua)
--       5 batches  sorted set: batch id, by the ms at which it was taken
--       6 taken    string: how many windows all batches hold; absent without any
--       7 batch    list: owner, then window key, due time, span, item of each window
-- ARGV  1 clock in ms, or "" for Redis' own
--       2 batch id
--       3 owner: whoever took the batch last may settle it
--       4 most windows to take
-- Answer: clock; due windows left behind; due time of the next window or ""; then what the batch holds
local clock = tonumber(ARGV[1])
if not clock then
  local time = redis.call('TIME')
  clock = time[1] * 1000 + math.floor(time[2] / 1000)
end

if redis.call('EXISTS', KEYS[7]) == 1 then
  redis.call('LSET', KEYS[7], 0, ARGV[3])
else
  -- Windows that fall due at once from here on need a tick of their own.
  redis.call('DEL', KEYS[4])
  local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%d', clock), 'WITHSCORES', 'LIMIT', 0, ARGV[4])
  if #due > 0 then
    local keys = {}
    for at = 1, #due, 2 do
      keys[#keys + 1] = due[at]
    end
    local spans, items = redis.call('HMGET', KEYS[3], unpack(keys)), redis.call('HMGET', KEYS[2], unpack(keys))
    local held = { ARGV[3] }
    for number, key in ipairs(keys) do
      held[#held + 1] = key
      held[#held + 1] = due[2 * number]
      held[#held + 1] = spans[number]
      held[#held + 1] = items[number]
    end
    redis.call('RPUSH', KEYS[7], unpack(held))
    redis.call('ZADD', KEYS[5], string.format('%d', clock), ARGV[2])
    redis.call('INCRBY', KEYS[6], #keys)
    redis.call('ZREMRANGEBYRANK', KEYS[1], 0, #keys - 1) -- those that are due first are what was found
    redis.call('HDEL', KEYS[2], unpack(keys))
    redis.call('HDEL', KEYS[3], unpack(keys))
  end
end

local left = redis.call('ZCOUNT', KEYS[1], '-inf', string.format('%d', clock))
local upcoming = redis.call('ZRANGEBYSCORE', KEYS[1], string.format('(%d', clock), '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
local answer = { clock, left, upcoming[2] or '' }
local held = redis.call('LRANGE', KEYS[7], 1, -1)
for at = 1, #held do
  answer[#answer + 1] = held[at]
end
return answer
