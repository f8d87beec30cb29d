-- Moves jobs in progress that this worker does not run back to the front of those that wait, in their order: Redis handed them
-- out and the answer was lost with the connection, or the process that ran them died.
--
-- KEYS  1 active, 2 wait, 3 stalled, 4 marker (of BullMQ)
-- ARGV  1 what the keys of jobs begin with; 2 what the locks of this worker begin with; 3 "own": only jobs with a lock of this
--       worker, "free": also jobs without a lock, "all": whatever lock they have; then the ids of jobs that this worker runs
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
-- The newest job is the first one in progress, and the last of those that wait is the next one.
for _, id in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  if isMoved(id) then
    -- A script that has written already may go on writing when memory is full, so the removal comes first.
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
