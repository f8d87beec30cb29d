-- Prevents the transaction that follows on the same connection, which must watch the list, unless the list is as expected.
--
-- KEYS  1 list
-- ARGV  1 its first item, 2 its length
-- Answer: 1 when it is as expected, else 0
if redis.call('LINDEX', KEYS[1], 0) == ARGV[1] and redis.call('LLEN', KEYS[1]) == tonumber(ARGV[2]) then
  return 1
end
-- Any change of a watched key prevents the transaction. Redis lets a script write on that has written already, even when its
-- memory is full, hence the first line, which changes nothing.
redis.call('LREM', KEYS[1], 0, '')
redis.call('RPUSH', KEYS[1], '')
redis.call('RPOP', KEYS[1])
return 0
