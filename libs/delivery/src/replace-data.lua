-- Replaces the data of a job if the job exists and its data has not changed since it was read.
--
-- KEYS  1 job
-- ARGV  1 SHA-1 of the data that was read, 2 the new data
-- Answer: 1 when replaced, else 0
local data = redis.call('HGET', KEYS[1], 'data')
if not data or redis.sha1hex(data) ~= ARGV[1] then
  return 0
end
redis.call('HSET', KEYS[1], 'data', ARGV[2])
return 1
