-- What Redis knows of the sockets of many users of one shard, in one command: most users have none.
--
-- KEYS  the users' sockets (see entries.lua)
-- ARGV  1 clock in ms, or "" for Redis' own (tests bring a clock)
-- Answer: the time of this look, in ms; for each user who has any: its number among the keys, from 0, and a list of connection
--         id, JSON, …
local now = ARGV[1]
if now == '' then
  local time = redis.call('TIME')
  now = string.format('%d', time[1] * 1000 + math.floor(time[2] / 1000))
end
local found = { now }
for at, sockets in ipairs(KEYS) do
  local entries = redis.call('HGETALL', sockets)
  if #entries > 0 then
    found[#found + 1] = at - 1
    found[#found + 1] = entries
  end
end
return found
