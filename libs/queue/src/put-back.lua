-- Moves jobs in progress that this worker does not run back to the front of the waiting jobs, in their order. The answer with
-- such a job was lost with the connection, or the process that ran the job died.
--
-- KEYS  1 active, 2 wait, 3 stalled, 4 marker (of BullMQ)
-- ARGV  1 prefix of the keys of jobs; 2 prefix of the locks of this worker; 3 "own": only jobs with a lock of this worker,
--       "free": also jobs without a lock, "all": all jobs; then the ids of jobs that this worker runs
-- Answer: each job that was moved, and how often it had been started
local locks, whose = ARGV[2], ARGV[3]
local runs = {}
for at = 4, #ARGV do
  runs[ARGV[at]] = true
end

local function isMoved(id)
  if runs[id] then return false end
  local holder = redis.call('GET', ARGV[1] .. id .. ':lock')
  if not holder then return whose ~= 'own' end
  return whose == 'all' or string.sub(holder, 1, #locks) == locks
end

local moved = {}
-- The active list begins with the newest job, and the wait list ends with the job that is fetched next. So RPUSH keeps the order.
for _, id in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  if isMoved(id) then
    -- The removal comes first, because when memory is full, a script can write only after a first write without new memory.
    redis.call('LREM', KEYS[1], 1, id)
    redis.call('DEL', ARGV[1] .. id .. ':lock')
    redis.call('SREM', KEYS[3], id)
    redis.call('RPUSH', KEYS[2], id)
    moved[#moved + 1] = id
    moved[#moved + 1] = redis.call('HGET', ARGV[1] .. id, 'ats') or '0'
  end
end
if #moved > 0 then
  redis.call('ZADD', KEYS[4], 0, '0')
end
return moved
