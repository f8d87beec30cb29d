-- Decides whether the caller searches a queue now for jobs whose worker died. After a time in which no worker searched,
-- Redis may have been away: the locks of living workers expired meanwhile, so these get some time to take them again.
--
-- KEYS  1 searched  string: "time of the last search:time until which no job is taken over", in ms
--       2 stalled   of BullMQ: the jobs whose locks were not renewed since the last search
-- ARGV  1 how often to search, 2 a longer time than this without a search is a gap, 3 how long to wait after a gap; in ms
-- Answer: 1 when the caller must search, else 0
local now = clock()
local last, waitUntil = string.match(redis.call('GET', KEYS[1]) or '', '^(%d+):(%d+)$')
last, waitUntil = tonumber(last), tonumber(waitUntil)

local isGap = not last or now < last or now - last > tonumber(ARGV[2])
-- Every worker asks this often, so one of them is always a little early.
if not isGap and now - last < 0.9 * ARGV[1] then
  return 0
end
if isGap then
  waitUntil = now + ARGV[3]
  redis.call('DEL', KEYS[2])
end
-- The queue of a socket node is used no more when the node has ended.
redis.call('SET', KEYS[1], now .. ':' .. waitUntil, 'PX', 3600000)
return now < waitUntil and 0 or 1
