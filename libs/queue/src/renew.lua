-- Renews the locks of jobs that a worker has in progress. A lock that expired is taken again unless another worker has
-- started the job: after Redis was away, or when the worker was held up. A search may have moved the job back to those
-- that wait; it is taken out again, because only this worker knows which deliveries of the job have arrived.
--
-- KEYS  1 stalled, 2 active, 3 wait (of BullMQ)
-- ARGV  1 what the keys of jobs begin with; 2 how long a lock is valid, in ms; then for each job: its id, the token of
--       the lock, and how often the job had been started when this worker started it
-- Answer: the ids of jobs that do not belong to this worker any more
local active

local function isActive(id)
  if not active then
    active = {}
    for _, each in ipairs(redis.call('LRANGE', KEYS[2], 0, -1)) do
      active[each] = true
    end
  end
  return active[id]
end

-- A stalled job waits at the end that is fetched from, so the search begins there.
local function takeFromWait(id)
  if redis.call('LREM', KEYS[3], -1, id) == 0 then
    return false
  end
  redis.call('LPUSH', KEYS[2], id)
  return true
end

local lost = {}
for at = 3, #ARGV, 3 do
  local id, token, starts = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local job = ARGV[1] .. id
  local lock = job .. ':lock'
  local holder = redis.call('GET', lock)
  if holder == token then
    -- Not SET: Redis refuses that when its memory is full, and a lock must not expire because of it.
    redis.call('PEXPIRE', lock, ARGV[2])
    redis.call('SREM', KEYS[1], id)
  elseif not holder and redis.call('HGET', job, 'ats') == starts and (isActive(id) or takeFromWait(id)) then
    -- A script that has written already may go on writing when memory is full, hence in this order.
    redis.call('SREM', KEYS[1], id)
    redis.call('SET', lock, token, 'PX', ARGV[2])
  else
    lost[#lost + 1] = id
  end
end
return lost
