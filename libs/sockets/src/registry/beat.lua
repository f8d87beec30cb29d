-- Says that a socket node is alive, and hands the queues of dead ones to living ones.
--
-- KEYS  1 nodes     sorted set: node -> its last beat in ms
--       2 dead      sorted set: node -> when it was found dead
--       3 adopters  hash: dead node -> "adopter:until", or "done" once its queue is empty for good
-- ARGV  1 clock in ms, or "" for Redis' own; 2 node; 3 a node is dead after this time without a beat, in ms; 4 an
--       adoption lapses after this time, in ms; 5 a dead node is forgotten after this time, in ms
-- Answer: "1" if the node is taken for dead, else ""; then each dead node whose queue is this node's to empty
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local node = ARGV[2]

-- When not even one node could beat for a while, Redis was away: all have the full time again until they are dead.
local latest = tonumber(redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')[2])
if latest and now - latest > ARGV[3] / 2 then
  for _, known in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
    redis.call('ZADD', KEYS[1], now, known)
  end
end
redis.call('ZADD', KEYS[1], now, node)
local answer = { redis.call('ZSCORE', KEYS[2], node) and '1' or '' }

for _, silent in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[3])) do
  redis.call('ZREM', KEYS[1], silent)
  redis.call('ZADD', KEYS[2], now, silent)
end

local dead = redis.call('ZRANGE', KEYS[2], 0, -1, 'WITHSCORES')
for at = 1, #dead, 2 do
  local adoption = redis.call('HGET', KEYS[3], dead[at])
  if dead[at] == node then
    -- It says so itself that it is not; see SocketNodes.revive.
  elseif adoption == 'done' then
    if now - dead[at + 1] > tonumber(ARGV[5]) then
      redis.call('ZREM', KEYS[2], dead[at])
      redis.call('HDEL', KEYS[3], dead[at])
    end
  else
    local adopter, lapse = string.match(adoption or '', '^(.*):(%d+)$')
    if not adopter or adopter == node or tonumber(lapse) < now then
      redis.call('HSET', KEYS[3], dead[at], node .. ':' .. now + ARGV[4])
      answer[#answer + 1] = dead[at]
    end
  end
end
return answer
