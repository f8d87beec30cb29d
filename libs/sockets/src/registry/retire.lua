-- Notes that a socket node which stops is dead.
--
-- KEYS  1 nodes; 2 dead (see heartbeat.lua)
-- ARGV  1 time in ms (in tests), or "" for the clock of Redis; 2 node
redis.call('ZREM', KEYS[1], ARGV[2])
redis.call('ZADD', KEYS[2], clock(ARGV[1]), ARGV[2])
