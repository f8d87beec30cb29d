-- Adds ids of arrived deliveries to their job, if the job exists. A worker that has lost the job runs this script.
--
-- KEYS  1 job (of BullMQ)
-- ARGV  1 the field; 2 ids, separated by blanks
-- Answer: 1 when stored, else 0
if redis.call('EXISTS', KEYS[1]) == 0 then
  return 0
end
redis.call('PERSIST', KEYS[1]) -- see checkpoint.lua
local held = redis.call('HGET', KEYS[1], ARGV[1])
redis.call('HSET', KEYS[1], ARGV[1], held and held .. ' ' .. ARGV[2] or ARGV[2])
return 1
