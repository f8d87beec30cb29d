-- Moves due windows of a shard into a batch that the calling job owns; a batch that the job already has comes first,
-- so a job that is run again after its process died goes on where that one stood.
--
-- KEYS  1 due, 2 items, 3 spans, 4 now (see join.lua)
--       5 batches  sorted set: batch id, by the ms at which it was taken
--       6 batch    list: owner, then window key, due time, span, item of each window
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

if redis.call('EXISTS', KEYS[6]) == 1 then
  redis.call('LSET', KEYS[6], 0, ARGV[3])
else
  -- Windows that fall due at once from here on need a tick of their own.
  redis.call('DEL', KEYS[4])
  local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%d', clock), 'WITHSCORES', 'LIMIT', 0, ARGV[4])
  if #due > 0 then
    redis.call('RPUSH', KEYS[6], ARGV[3])
    redis.call('ZADD', KEYS[5], string.format('%d', clock), ARGV[2])
    for at = 1, #due, 2 do
      local key = due[at]
      redis.call('RPUSH', KEYS[6], key, due[at + 1], redis.call('HGET', KEYS[3], key), redis.call('HGET', KEYS[2], key))
      redis.call('ZREM', KEYS[1], key)
      redis.call('HDEL', KEYS[2], key)
      redis.call('HDEL', KEYS[3], key)
    end
  end
end

local left = redis.call('ZCOUNT', KEYS[1], '-inf', string.format('%d', clock))
local upcoming = redis.call('ZRANGEBYSCORE', KEYS[1], string.format('(%d', clock), '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
local answer = { clock, left, upcoming[2] or '' }
local held = redis.call('LRANGE', KEYS[6], 1, -1)
for at = 1, #held do
  answer[#answer + 1] = held[at]
end
return answer
