-- Declares a socket node dead that stops.
--
-- KEYS  1 nodes; 2 dead (see heartbeat.lua)
-- ARGV  1 clock in ms, or "" for the clock of Redis (tests bring a clock); 2 node
redis.call('ZREM', KEYS[1], ARGV[2])
redis.call('ZADD', KEYS[2], clock(ARGV[1]), ARGV[2])
