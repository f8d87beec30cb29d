-- Makes the next transaction on the same connection fail if the list is not as expected. The connection must watch the list.
--
-- KEYS  1 list
-- ARGV  1 the expected first item, 2 the expected length
-- Answer: 1 when the list is as expected, else 0
if redis.call('LINDEX', KEYS[1], 0) == ARGV[1] and redis.call('LLEN', KEYS[1]) == tonumber(ARGV[2]) then
  return 1
end
-- Any change of a watched key makes the transaction fail. LREM changes nothing here; it comes first, because when the memory of
-- Redis is full, a script can write only after a first write without new memory.
redis.call('LREM', KEYS[1], 0, '')
redis.call('RPUSH', KEYS[1], '')
redis.call('RPOP', KEYS[1])
return 0
