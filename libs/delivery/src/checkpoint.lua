-- Writes down how far a job is, unless the job is gone.
--
-- KEYS  1 job (of BullMQ)
-- ARGV  1 what BullMQ calls its progress
-- Answer: 1 when written, else 0
if redis.call('EXISTS', KEYS[1]) == 0 then
  return 0
end
-- Redis lets a script write on that has written already, even when its memory is full; this line changes nothing.
redis.call('PERSIST', KEYS[1])
redis.call('HSET', KEYS[1], 'progress', ARGV[1])
return 1
