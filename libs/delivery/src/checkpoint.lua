-- Stores the progress of a job if the job exists.
--
-- KEYS  1 job (of BullMQ)
-- ARGV  1 the job's progress, in the field and format of BullMQ
-- Answer: 1 when stored, else 0
if redis.call('EXISTS', KEYS[1]) == 0 then
  return 0
end
-- When its memory is full, Redis lets a script continue to write only after a first write that needs no new memory. PERSIST is
-- that write and changes nothing.
redis.call('PERSIST', KEYS[1])
redis.call('HSET', KEYS[1], 'progress', ARGV[1])
return 1
