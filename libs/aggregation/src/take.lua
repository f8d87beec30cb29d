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
local function readHolders(users)
  local unknown = {}
  for _, user in ipairs(users) do
    if holders[user] == nil then
      holders[user] = false
      unknown[#unknown + 1] = user
    end
  end
  for at, holder in ipairs(valuesOf(KEYS[8], unknown)) do
    if holder then
      if exists[holder] == nil then exists[holder] = redis.call('ZSCORE', KEYS[5], holder) ~= false end
      holders[unknown[at]] = exists[holder] and holder
    end
  end
end

-- Returns the keys and due times of up to `most` due windows from the index `from` on, by their due time, and their number. The
-- sorted set does not order windows that are due in the same ms, so all other windows of the last ms are added; the number does
-- not include them.
local function page(from)
  local found = redis.call('ZRANGEBYSCORE', due, '-inf', untilNow, 'WITHSCORES', 'LIMIT', from, most)
  local keys, dues = {}, {}
  local last = #found == 2 * most and found[#found]
  for at = 1, #found, 2 do
    if found[at + 1] ~= last then
      keys[#keys + 1] = found[at]
      dues[#dues + 1] = found[at + 1]
    end
  end
  if last then
    for _, key in ipairs(redis.call('ZRANGEBYSCORE', due, last, last)) do
      keys[#keys + 1] = key
      dues[#dues + 1] = last
    end
  end
  return keys, dues, #found / 2
end

-- Returns the spans of windows, and their indices in the order in which they are taken. `dues` is sorted. Windows that are due in
-- the same ms are taken in the order of acceptance. Windows of earlier versions, whose spans have no order, come first, by key.
local function inOrder(keys, dues)
  local spans = valuesOf(KEYS[3], keys)
  local sorted, orders, indexOf = {}, {}, {}
  for at = 1, #keys do
    local order = tonumber(string.match(spans[at] or '', '^%d+:%d+:%d+:%d+:(%d+)$')) or at - #keys - 1
    orders[#orders + 1], indexOf[order] = order, at
    if dues[at + 1] ~= dues[at] then
      table.sort(orders)
      for _, each in ipairs(orders) do sorted[#sorted + 1] = indexOf[each] end
      orders = {}
    end
  end
  return spans, sorted
end

-- The list of the batch: its owner, then the fields of its windows.
local held = redis.call('LRANGE', KEYS[7], 0, -1)
local isNew = #held == 0
if not isNew then
  redis.call('LSET', KEYS[7], 0, ARGV[3])
else
  -- Windows that are joined later and are due at once need a new tick, so the mark of the last announced tick is deleted.
  redis.call('DEL', KEYS[4])
  local taken, dueTimes, takenSpans, isTaken, users, passed = {}, {}, {}, {}, {}, {}
  for number = 1, mostPages do
    local keys, dues, size = page((number - 1) * most)
    local owners = {}
    for at, key in ipairs(keys) do owners[at] = string.match(key, '^%d+:%d+') or '' end
    readHolders(owners)
    local spans, sorted = inOrder(keys, dues)
    for _, at in ipairs(sorted) do
      if #taken == most then break end
      local key, user = keys[at], owners[at]
      local holder = holders[user]
      if holder and holder ~= batch then
        passed[holder] = true
      elseif not isTaken[key] then
        if not holder then
          users[#users + 1] = user
          holders[user] = batch
        end
        isTaken[key] = true
        local place = #taken + 1
        taken[place], dueTimes[place], takenSpans[place] = key, dues[at], spans[at]
      end
    end
    if size < most or #taken == most then break end
  end
  for holder in pairs(passed) do redis.call('HSETNX', KEYS[8], 'passed ' .. holder, '1') end
  if #taken > 0 then
    local holding = { 'users ' .. batch, table.concat(users, ' ') }
    for _, user in ipairs(users) do
      holding[#holding + 1] = user
      holding[#holding + 1] = batch
    end
    local items = redis.call('HMGET', KEYS[2], unpack(taken))
    held[1] = ARGV[3]
    for at, key in ipairs(taken) do
      held[#held + 1] = key
      held[#held + 1] = dueTimes[at]
      held[#held + 1] = takenSpans[at]
      held[#held + 1] = items[at]
    end
    redis.call('RPUSH', KEYS[7], unpack(held))
    redis.call('HSET', KEYS[8], unpack(holding))
    redis.call('ZADD', KEYS[5], untilNow, batch)
    redis.call('INCRBY', KEYS[6], #taken)
    redis.call('ZREM', due, unpack(taken))
    redis.call('HDEL', KEYS[2], unpack(taken))
    redis.call('HDEL', KEYS[3], unpack(taken))
  end
end

local left = redis.call('ZCOUNT', due, '-inf', untilNow)
local upcoming = redis.call('ZRANGEBYSCORE', due, '(' .. untilNow, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
local answer = { now, left, upcoming[2] or '', isNew and 1 or 0 }
for at = 2, #held do
  answer[#answer + 1] = held[at]
end
return answer
