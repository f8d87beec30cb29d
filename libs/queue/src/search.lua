-- Decides whether the caller searches a queue now for jobs whose worker died. If no worker has searched for a while, Redis may have
-- been away and locks of living workers may have expired, so these workers get some time to take the locks again.
--
-- KEYS  1 searched  string: "time of the last search:time until which no job is taken over", in ms
--       2 stalled   of BullMQ: the jobs whose locks were not renewed since the last search
-- ARGV  1 the interval of searches, 2 the time without a search after which there is a gap, 3 how long to wait after a gap; in ms
-- Answer: 1 when the caller must search, else 0
local now = clock()
local last, waitUntil = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+):(%d+)$')
last, waitUntil = tonumber(last), tonumber(waitUntil)

local isGap = not last or now < last or now - last > tonumber(ARGV[2])
-- Each worker asks at this interval by its own timer, so the worker that asks next may be a little early.
if not isGap and now - last < 0.9 * ARGV[1] then
  return 0
end
if isGap then
  waitUntil = now + ARGV[3]
  redis.call('DEL', KEYS[2])
end
-- The key expires, because the queue of a socket node is not used again when the node has ended.
redis.call('SET', KEYS[1], now .. ':' .. waitUntil, 'PX', 3600000)
return now < waitUntil and 0 or 1
