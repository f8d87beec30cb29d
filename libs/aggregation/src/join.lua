-- Opens or joins the window of each notification, all of one shard, atomically.
--
-- KEYS  1 due      sorted set: window key, by the ms at which it falls due
--       2 items    hash: window key -> the notification to send
--       3 spans    hash: window key -> "first:delay:maxDelay:count"
--       4 now      string: set while a tick for windows that are due at once is on its way
-- ARGV  1 clock in ms, or "" for Redis' own (tests bring a clock)
--       2 tick length in ms
--       3 id of the tick to announce if a window is due at once
--       4 prefix of remembered producer ids
--       then, for each notification: window key, mode, delay, max delay, item, producer's id or "", its retention in ms
-- Answer: clock; overdue windows; the announced tick's id or ""; "1" (accepted) or "0" (duplicate) for each
--         notification, as one string; then each time in ms at which a tick is needed
local clock = tonumber(ARGV[1])
if not clock then
  local time = redis.call('TIME')
  clock = time[1] * 1000 + math.floor(time[2] / 1000)
end
local tickLength = tonumber(ARGV[2])
local accepted, ticks, isDueNow = {}, {}, false

for at = 5, #ARGV, 7 do
  local key, mode, producerId = ARGV[at], ARGV[at + 1], ARGV[at + 5]
  local isNew = true
  if producerId ~= '' then
    isNew = redis.call('SET', ARGV[4] .. producerId, '1', 'NX', 'PX', ARGV[at + 6])
  end
  accepted[#accepted + 1] = isNew and '1' or '0'
  if isNew then
    local first, delay, maxDelay, count = clock, tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3]), 1
    local span = redis.call('HGET', KEYS[3], key)
    if span then
      local f, d, m, c = string.match(span, '^(%d+):(%d+):(%d+):(%d+)$')
      first, count = tonumber(f), tonumber(c) + 1
      delay, maxDelay = math.min(delay, tonumber(d)), math.min(maxDelay, tonumber(m))
    end
    -- The newest payload counts, unless all are equal: then the first one has already said it.
    if not span or mode ~= 'equal' then
      redis.call('HSET', KEYS[2], key, ARGV[at + 4])
    end
    local due = math.min(clock + delay, first + maxDelay)
    redis.call('HSET', KEYS[3], key, string.format('%d:%d:%d:%d', first, delay, maxDelay, count))
    redis.call('ZADD', KEYS[1], string.format('%d', due), key)
    if due <= clock then
      isDueNow = true
    else
      ticks[math.ceil(due / tickLength) * tickLength] = true
    end
  end
end

local announced = ''
if isDueNow and redis.call('SET', KEYS[4], ARGV[3], 'NX', 'PX', 2000) then
  announced = ARGV[3]
end
local overdue = redis.call('ZCOUNT', KEYS[1], '-inf', string.format('(%d', clock - tickLength))
local answer = { clock, overdue, announced, table.concat(accepted) }
for tick in pairs(ticks) do
  answer[#answer + 1] = tick
end
return answer
