-- Replaces what a job carries, unless that changed since it was read or the job is gone.
--
-- KEYS  1 job
-- ARGV  1 SHA-1 of what it carried when it was read, 2 what it is to carry
-- Answer: 1 when replaced, else 0
local data = redis.call('HGET', KEYS[1], 'data')
if not data or redis.sha1hex(data) ~= ARGV[1] then
  return 0
end
redis.call('HSET', KEYS[1], 'data', ARGV[2])
return 1
