-- Notes that a socket node is alive, and gives the queues of dead nodes to living ones.
--
-- KEYS  1 nodes     sorted set: node -> its last heartbeat in ms
--       2 dead      sorted set: node -> when it was found dead
--       3 adopters  hash: dead node -> "node that took its queue over:until", or "done" once the queue is empty and stays so
-- ARGV  1 time in ms (in tests), or "" for the clock of Redis; 2 node; 3 a node is dead after this time without a
--       heartbeat, in ms; 4 a take-over lapses after this time, in ms; 5 a dead node is forgotten after this time, in ms
-- Returns "1" if the node counts as dead, else ""; then each dead node whose queue this node must empty
local now = clock(ARGV[1])
local node = ARGV[2]

-- When its memory is full, Redis lets a script write only if its first write needs no new memory. This ZREM is such a write, and
-- it removes nothing, because no node has the name "". Without a heartbeat, a node would count as dead while it is alive, and
-- other nodes would repeat its deliveries.
redis.call('ZREM', KEYS[2], '')

-- If no node sent a heartbeat for a while, Redis was away. Every node then has the full time again before it counts as dead.
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
  local takenOver = redis.call('HGET', KEYS[3], dead[at])
  if dead[at] == node then
    -- This heartbeat shows that the node is alive; see SocketNodes.revive.
  elseif takenOver == 'done' then
    if now - dead[at + 1] > tonumber(ARGV[5]) then
      redis.call('ZREM', KEYS[2], dead[at])
      redis.call('HDEL', KEYS[3], dead[at])
    end
  else
    local by, lapsesAt = string.match(takenOver or '', '^(.*):(%d+)$')
    if not by or by == node or tonumber(lapsesAt) < now then
      redis.call('HSET', KEYS[3], dead[at], node .. ':' .. now + ARGV[4])
      answer[#answer + 1] = dead[at]
    end
  end
end
return answer
