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
--       then, for each notification: window key, mode, delay, max delay, item, where its expiry begins (see
--       itemOf in notification.ts), producer's id or "", its retention in ms
-- Answer: clock; overdue windows; the announced tick's id or ""; "1" (accepted) or "0" (duplicate) for each
--         notification, as one string; then each time in ms at which a tick is needed
local clock = tonumber(ARGV[1])
if not clock then
  local time = redis.call('TIME')
  clock = time[1] * 1000 + math.floor(time[2] / 1000)
end
local tickLength = tonumber(ARGV[2])

-- Where an item goes on after {"v":1
local itemHead = 7

-- When the time to live of an item ends; one without an expiry at its place lives for ever.
local function expiryOf(item, at)
  return tonumber(string.match(item, '^,"expiresAt":(%d+)', at)) or math.huge
end

-- What is to be sent for a window that `item` joins, or nil when that is what it has already.
local function joinedItem(key, mode, item, expiryAt)
  if mode == 'equal' then
    -- All say the same, so the one that may be sent for longest says it; the first of these.
    local held = redis.call('HGET', KEYS[2], key)
    return expiryOf(item, expiryAt) > expiryOf(held, expiryAt) and item or nil
  end
  -- The newest payload counts. Whoever caused only some of what was joined is to hear of the rest.
  if expiryAt == itemHead then
    return item
  end
  local held = redis.call('HGET', KEYS[2], key)
  if string.sub(held, 1, expiryAt - 1) == string.sub(item, 1, expiryAt - 1) then
    return item
  end
  return string.sub(item, 1, itemHead - 1) .. string.sub(item, expiryAt)
end

local accepted, ticks, isDueNow = {}, {}, false

for at = 5, #ARGV, 8 do
  local key, mode, producerId = ARGV[at], ARGV[at + 1], ARGV[at + 6]
  local isNew = true
  if producerId ~= '' then
    isNew = redis.call('SET', ARGV[4] .. producerId, '1', 'NX', 'PX', ARGV[at + 7])
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
    local item = ARGV[at + 4]
    if span then
      item = joinedItem(key, mode, item, tonumber(ARGV[at + 5]))
    end
    if item then
      redis.call('HSET', KEYS[2], key, item)
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
