-- Renews the locks of the jobs that a worker runs. A lock may have expired because Redis was away or the worker was blocked; it is
-- taken again unless another worker has started the job. If a search has moved the job back to the waiting jobs, the script makes
-- the job active again, because only this worker has the newest results of its deliveries.
--
-- KEYS  1 stalled, 2 active, 3 wait (of BullMQ)
-- ARGV  1 prefix of the keys of jobs; 2 how long a lock is valid, in ms; then for each job: its id, the token of
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

-- A search puts a stalled job at the end of the list that is fetched next, so LREM begins at this end.
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
    -- PEXPIRE is used, because Redis refuses SET when its memory is full, and the lock would expire.
    redis.call('PEXPIRE', lock, ARGV[2])
    redis.call('SREM', KEYS[1], id)
  elseif not holder and redis.call('HGET', job, 'ats') == starts and (isActive(id) or takeFromWait(id)) then
    -- SREM comes first, because when memory is full, a script can write only after a first write without new memory.
    redis.call('SREM', KEYS[1], id)
    redis.call('SET', lock, token, 'PX', ARGV[2])
  else
    lost[#lost + 1] = id
  end
end
return lost
