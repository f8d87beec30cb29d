-- Counts the windows of a shard by state. Changes nothing.
--
-- KEYS  1 due, 2 batches (see take.lua)
-- ARGV  1 clock in ms, or "" for Redis' clock
--       2 prefix of the keys of batches
-- Answer: clock; windows that are not due; windows that are due and not taken; windows in batches; the due time of the
--         oldest due window, or ""
local now = clock(ARGV[1])

local due = redis.call('ZCOUNT', KEYS[1], '-inf', string.format('%d', now))
local waiting = redis.call('ZCARD', KEYS[1]) - due
local oldest = math.huge
if due > 0 then
  oldest = tonumber(redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2])
end

local taken = 0
for _, id in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  local batch = ARGV[2] .. id
  taken = taken + math.floor(redis.call('LLEN', batch) / 4)
  oldest = math.min(oldest, tonumber(redis.call('LINDEX', batch, 2)) or math.huge)
end
return { now, waiting, due, taken, oldest < math.huge and string.format('%d', oldest) or '' }
