-- Opens or joins the window of each notification, all of one shard, atomically.
--
-- KEYS  1 due      sorted set: window key, by the ms at which it falls due
--       2 items    hash: window key -> the notification to send
--       3 spans    hash: window key -> "first:delay:maxDelay:count:order"; order is the number of its newest notification
--       4 now      string: set while a tick for windows that are due at once is announced
--       5 batches, 6 taken (see take.lua)
--       7 order    string: how many notifications were joined so far
-- ARGV  1 clock in ms, or "" for Redis' clock (tests pass a clock)
--       2 tick length in ms
--       3 time of the shard's ticks within each tick length, in ms (see `tickFor` in windows.ts)
--       4 id of the tick to announce if a window is due at once
--       5 prefix of the keys of stored producer ids
--       then, for each notification: window key, rule, item, and "" or "id content": digests of the producer's id and of
--       the content. A rule is "mode delay maxDelay retention expiryAt": three times in ms (`retention` of the producer's
--       id) and the position of the item's expiry (see itemOf of @pns/notifications)
-- Answer: clock; overdue windows; the announced tick's id or ""; "1" (accepted), "0" (duplicate) or "2" (the id was used
--         with other content) for each notification, as one string; how many notifications were joined before; then each
--         time in ms at which a tick is needed
local now = clock(ARGV[1])
local tickLength, tickOffset = tonumber(ARGV[2]), tonumber(ARGV[3])

-- The position in an item after {"v":1
local itemHead = 7

-- Returns when an item expires, in ms since the epoch. An item without an expiry at the position `at` never expires.
local function expiryOf(item, at)
  return tonumber(string.match(item, '^,"expiresAt":(%d+)', at)) or math.huge
end

local rules = {}
local function ruleOf(text)
  local rule = rules[text]
  if not rule then
    local mode, delay, maxDelay, retention, expiryAt = string.match(text, '^(%a+) (%d+) (%d+) (%d+) (%d+)$')
    rule = { mode = mode, delay = tonumber(delay), maxDelay = tonumber(maxDelay), retention = retention, expiryAt = tonumber(expiryAt) }
    rules[text] = rule
  end
  return rule
end

-- A window keeps the traces of at most this many joined notifications.
local mostJoined = 32

-- Whether an item ends with a trace context: `,"traceparent":"…"}` or `,"traceparent":"…","joined":[…]}`. The last field of
-- other items is a number.
local function isTraced(item)
  local last = string.byte(item, -2)
  return last == 34 or last == 93 -- a quotation mark or a bracket
end

-- Returns the item without its trace and its last brace; its traceparent or nil; and the JSON strings in its field `joined`.
local function partsOf(item)
  local rest, joined
  if string.byte(item, -2) == 93 then rest, joined = string.match(item, '^(.*),"joined":%[([^%[%]]*)%]}$') end
  local text = rest or string.sub(item, 1, -2)
  -- A traceparent has 55 characters, so the whole field has 72.
  local own = string.match(string.sub(text, -72), '^,"traceparent":"([%x%-]+)"$')
  return own and string.sub(text, 1, -73) or text, own, joined or ''
end

-- Returns the item `kept` with the traces of the item `lost`, which is not sent. One trace of a window is continued: the trace
-- of the item that is sent or, if this item has none, the trace of a joined notification.
local function withTracesOf(lost, kept)
  if not isTraced(kept) and not isTraced(lost) then return kept end
  local text, own, joined = partsOf(kept)
  local _, other, others = partsOf(lost)
  local traces, count = {}, 0
  for trace in string.gmatch(string.format('"%s",%s,%s', other or '', joined, others), '"([%x%-]+)"') do
    if own == nil then
      own = trace
    elseif trace ~= own and not traces[trace] and count < mostJoined then
      count = count + 1
      traces[trace], traces[count] = true, '"' .. trace .. '"'
    end
  end
  if own == nil then return kept end
  local list = count > 0 and ',"joined":[' .. table.concat(traces, ',') .. ']' or ''
  return text .. ',"traceparent":"' .. own .. '"' .. list .. '}'
end

-- Returns the item to send for a window after `item` has joined its item `held`.
local function joinedItem(held, rule, item)
  local expiryAt = rule.expiryAt
  if rule.mode == 'equal' then
    -- All items are equal except for their expiry, so the item that expires last is kept; of several such items, the first.
    if expiryOf(item, expiryAt) > expiryOf(held, expiryAt) then return withTracesOf(held, item) end
    return withTracesOf(item, held)
  end
  -- The newest payload is sent. If the source tokens differ, no source token is kept, because the device that caused one of the
  -- notifications must receive the others.
  if expiryAt == itemHead or string.sub(held, 1, expiryAt - 1) == string.sub(item, 1, expiryAt - 1) then
    return withTracesOf(held, item)
  end
  return withTracesOf(held, string.sub(item, 1, itemHead - 1) .. string.sub(item, expiryAt))
end

-- Stores a new id with its content and returns "1". For a known id returns "0" if the content is the same, else "2". Earlier
-- versions stored 1 in place of the content, so 1 counts as the same content.
local function statusOf(idAndContent, retention)
  if idAndContent == '' then
    return '1'
  end
  local id, content = string.match(idAndContent, '^(%S+) (%d+)$')
  local key = ARGV[5] .. id
  if redis.call('SET', key, content, 'NX', 'PX', retention) then
    return '1'
  end
  local held = redis.call('GET', key)
  return (held == content or held == '1') and '0' or '2'
end

-- Returns the open window that `span` describes; nil if there is none.
local function windowOf(span)
  if not span then return nil end
  local first, delay, maxDelay, count = string.match(span, '^(%d+):(%d+):(%d+):(%d+)')
  return { first = tonumber(first), delay = tonumber(delay), maxDelay = tonumber(maxDelay), count = tonumber(count), order = 0 }
end

local keys = {}
for at = 6, #ARGV, 4 do
  keys[#keys + 1] = ARGV[at]
end
local spans = #keys > 0 and redis.call('HMGET', KEYS[3], unpack(keys)) or {}

local order = #keys > 0 and redis.call('INCRBY', KEYS[7], #keys) - #keys or 0

-- The windows that this call opens or joins, by key. They are written together at the end.
local windows, touched, statuses = {}, {}, {}
for number, key in ipairs(keys) do
  local at = 2 + 4 * number
  local rule, item = ruleOf(ARGV[at + 1]), ARGV[at + 2]
  statuses[number] = statusOf(ARGV[at + 3], rule.retention)
  if statuses[number] == '1' then
    local window = windows[key]
    if not window then
      window = windowOf(spans[number])
        or { first = now, delay = rule.delay, maxDelay = rule.maxDelay, count = 0, order = 0, item = item }
      windows[key] = window
      touched[#touched + 1] = key
    end
    if window.count > 0 then
      window.delay, window.maxDelay = math.min(rule.delay, window.delay), math.min(rule.maxDelay, window.maxDelay)
      local held = window.item or redis.call('HGET', KEYS[2], key)
      local kept = joinedItem(held, rule, item)
      if kept ~= held then window.item = kept end
    end
    window.count, window.order = window.count + 1, order + number
  end
end

local ticks, isDueNow, dues, items, written = {}, false, {}, {}, {}
local function needTickAt(due)
  if due <= now then
    isDueNow = true
  else
    ticks[math.ceil((due - tickOffset) / tickLength) * tickLength + tickOffset] = true
  end
end

-- The window of a duplicate needs its tick again, because the process that joined the first notification may have died before it
-- added the tick.
for number, key in ipairs(keys) do
  local due = statuses[number] == '0' and not windows[key] and redis.call('ZSCORE', KEYS[1], key)
  if due then needTickAt(tonumber(due)) end
end

for _, key in ipairs(touched) do
  local window = windows[key]
  local due = math.min(now + window.delay, window.first + window.maxDelay)
  needTickAt(due)
  dues[#dues + 1] = string.format('%d', due)
  dues[#dues + 1] = key
  written[#written + 1] = key
  written[#written + 1] =
    string.format('%d:%d:%d:%d:%d', window.first, window.delay, window.maxDelay, window.count, window.order)
  if window.item then
    items[#items + 1] = key
    items[#items + 1] = window.item
  end
end
if #touched > 0 then
  redis.call('ZADD', KEYS[1], unpack(dues))
  redis.call('HSET', KEYS[3], unpack(written))
end
if #items > 0 then
  redis.call('HSET', KEYS[2], unpack(items))
end

local announced = ''
if isDueNow and redis.call('SET', KEYS[4], ARGV[4], 'NX', 'PX', 2000) then
  announced = ARGV[4]
end

local aTickAgo = string.format('(%d', now - tickLength)
local overdue = redis.call('ZCOUNT', KEYS[1], '-inf', aTickAgo)
-- If any batch is older than a tick, the windows of all batches count as overdue, because it would take too long to read each of
-- many batches.
if redis.call('ZCOUNT', KEYS[5], '-inf', aTickAgo) > 0 then
  overdue = overdue + math.max(0, redis.call('GET', KEYS[6]) or 0)
end
local answer = { now, overdue, announced, table.concat(statuses), order }
for tick in pairs(ticks) do
  answer[#answer + 1] = tick
end
return answer
