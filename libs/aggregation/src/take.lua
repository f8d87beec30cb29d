-- Moves due windows of a shard, in the order of acceptance, into a batch that the calling job owns. If the job already has a
-- batch, that batch is returned instead, so a job that runs again after its process died continues with the same windows.
--
-- While one batch has windows of a user, no other batch takes windows of that user. Otherwise later windows could overtake
-- earlier windows.
--
-- KEYS  1 due, 2 items, 3 spans, 4 now (see join.lua)
--       5 batches  sorted set: batch id, by the ms at which it was taken
--       6 taken    string: how many windows all batches have; absent without batches
--       7 batch    list: owner, then window key, due time, span, item of each window
--       8 holders  hash: user -> the batch that has windows of that user; "users <batch>" -> its users, separated by blanks;
--                  "passed <batch>" -> 1 when another batch skipped due windows because of this batch
-- ARGV  1 clock in ms, or "" for Redis' clock
--       2 batch id
--       3 owner: only the last owner of a batch can settle it
--       4 most windows to take
-- Answer: clock; due windows that were not taken; due time of the next window or ""; 1 if the batch is new, else 0; then the
--         windows of the batch
local now = clock(ARGV[1])
local due, batch, most = KEYS[1], ARGV[2], tonumber(ARGV[4])
local untilNow = string.format('%d', now)

-- Windows of users with windows in other batches are skipped. To find other windows, at most this many pages of `most` windows
-- are read.
local mostPages = 4

-- Returns the values of any number of fields. Reads 1000 fields at a time.
local function valuesOf(hash, fields)
  local values = {}
  for from = 1, #fields, 1000 do
    local last = math.min(from + 999, #fields)
    for _, value in ipairs(redis.call('HMGET', hash, unpack(fields, from, last))) do values[#values + 1] = value end
  end
  return values
end

-- `holders` has for each user the batch that has windows of the user, or false. `exists` has for each batch whether it exists.
local holders, exists = {}, {}
local function readHolders(windows)
  local users = {}
  for _, window in ipairs(windows) do
    if holders[window.user] == nil then
      holders[window.user] = false
      users[#users + 1] = window.user
    end
  end
  for at, holder in ipairs(valuesOf(KEYS[8], users)) do
    if holder and exists[holder] == nil then exists[holder] = redis.call('ZSCORE', KEYS[5], holder) ~= false end
    holders[users[at]] = holder and exists[holder] and holder or false
  end
end

local function orderOf(span)
  return tonumber(string.match(span or '', ':(%d+)$')) or 0
end

-- Returns up to `most` due windows from the index `from` on, and their number. The sorted set does not order windows that are due
-- in the same ms, so all other windows of the last ms are added; the number does not include them.
local function page(from)
  local found = redis.call('ZRANGEBYSCORE', due, '-inf', untilNow, 'WITHSCORES', 'LIMIT', from, most)
  local windows = {}
  local function add(key, dueAt)
    windows[#windows + 1] = { key = key, due = dueAt, at = tonumber(dueAt), user = string.match(key, '^%d+:%d+') or '' }
  end
  local last = #found == 2 * most and found[#found]
  for at = 1, #found, 2 do
    if found[at + 1] ~= last then add(found[at], found[at + 1]) end
  end
  if last then
    for _, key in ipairs(redis.call('ZRANGEBYSCORE', due, last, last)) do add(key, last) end
  end
  return windows, #found / 2
end

-- Sorts windows by their due time. Windows that are due in the same ms are sorted by their order of acceptance, from the spans.
local function inOrder(windows)
  local keys = {}
  for at, window in ipairs(windows) do keys[at] = window.key end
  for at, span in ipairs(valuesOf(KEYS[3], keys)) do
    windows[at].span, windows[at].order = span, orderOf(span)
  end
  table.sort(windows, function(one, other)
    if one.at ~= other.at then return one.at < other.at end
    if one.order ~= other.order then return one.order < other.order end
    return one.key < other.key
  end)
  return windows
end

local isNew = redis.call('EXISTS', KEYS[7]) == 0
if not isNew then
  redis.call('LSET', KEYS[7], 0, ARGV[3])
else
  -- Windows that are joined later and are due at once need a new tick, so the mark of the last announced tick is deleted.
  redis.call('DEL', KEYS[4])
  local windows, taken, users, passed = {}, {}, {}, {}
  for number = 1, mostPages do
    local found, size = page((number - 1) * most)
    readHolders(found)
    local free = {}
    for _, window in ipairs(found) do
      local holder = holders[window.user]
      if holder and holder ~= batch then
        passed[holder] = true
      elseif not taken[window.key] then
        free[#free + 1] = window
      end
    end
    for _, window in ipairs(inOrder(free)) do
      if #windows == most then break end
      if not holders[window.user] then users[#users + 1] = window.user end
      holders[window.user], taken[window.key] = batch, true
      windows[#windows + 1] = window
    end
    if size < most or #windows == most then break end
  end
  for holder in pairs(passed) do redis.call('HSETNX', KEYS[8], 'passed ' .. holder, '1') end
  if #windows > 0 then
    local keys, held, holding = {}, { ARGV[3] }, { 'users ' .. batch, table.concat(users, ' ') }
    for _, window in ipairs(windows) do keys[#keys + 1] = window.key end
    for _, user in ipairs(users) do
      holding[#holding + 1] = user
      holding[#holding + 1] = batch
    end
    local items = redis.call('HMGET', KEYS[2], unpack(keys))
    for number, window in ipairs(windows) do
      held[#held + 1] = window.key
      held[#held + 1] = window.due
      held[#held + 1] = window.span
      held[#held + 1] = items[number]
    end
    redis.call('RPUSH', KEYS[7], unpack(held))
    redis.call('HSET', KEYS[8], unpack(holding))
    redis.call('ZADD', KEYS[5], untilNow, batch)
    redis.call('INCRBY', KEYS[6], #keys)
    redis.call('ZREM', due, unpack(keys))
    redis.call('HDEL', KEYS[2], unpack(keys))
    redis.call('HDEL', KEYS[3], unpack(keys))
  end
end

local left = redis.call('ZCOUNT', due, '-inf', untilNow)
local upcoming = redis.call('ZRANGEBYSCORE', due, '(' .. untilNow, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
local answer = { now, left, upcoming[2] or '', isNew and 1 or 0 }
local held = redis.call('LRANGE', KEYS[7], 1, -1)
for at = 1, #held do
  answer[#answer + 1] = held[at]
end
return answer
