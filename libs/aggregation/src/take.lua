-- Moves due windows of a shard, in the order of acceptance, into a batch that the calling job owns. If the job already has a
-- batch, that batch is returned instead, so a job that runs again after its process died continues with the same windows.
--
-- While one batch has windows of a user, no other batch takes windows of that user: later windows could overtake earlier ones.
--
-- KEYS  1 due, 2 items, 3 spans, 4 now (see join.lua)
--       5 batches  sorted set: batch id, by the ms at which it was taken
--       6 taken    string: how many windows all batches have; absent without batches
--       7 batch    list: owner, then window key, due time, span, item of each window
--       8 holders  hash: user -> the batch that has windows of that user; "users <batch>" -> these users, separated by blanks;
--                  "passed <batch>" -> 1 when another batch skipped due windows because of this batch
-- ARGV  1 clock in ms, or "" for Redis' clock
--       2 batch id
--       3 owner: only the last owner of a batch can settle it
--       4 most windows to take
-- Answer: clock; due windows that were not taken; due time of the next window or ""; then the windows of the batch
local now = clock(ARGV[1])
local due, batch, most = KEYS[1], ARGV[2], tonumber(ARGV[4])
local untilNow = string.format('%d', now)

-- Windows of users that other batches have are skipped. At most this many pages of `most` windows are searched for others.
local mostPages = 4

local holders = {}
local function holderOf(user)
  if holders[user] == nil then
    local holder = redis.call('HGET', KEYS[8], user)
    holders[user] = holder and redis.call('ZSCORE', KEYS[5], holder) and holder or false
  end
  return holders[user]
end

local function orderOf(span)
  return tonumber(string.match(span or '', ':(%d+)$')) or 0
end

-- Up to `most` due windows from this index on, in the order of acceptance. The sorted set does not order windows that are due
-- in the same ms; their spans do. So all windows of the last ms are read, and the first accepted ones are taken.
local function page(from)
  local found = redis.call('ZRANGEBYSCORE', due, '-inf', untilNow, 'WITHSCORES', 'LIMIT', from, most)
  local windows = {}
  local last = #found == 2 * most and found[#found]
  for at = 1, #found, 2 do
    if found[at + 1] ~= last then windows[#windows + 1] = { key = found[at], due = found[at + 1], at = tonumber(found[at + 1]) } end
  end
  if last then
    for _, key in ipairs(redis.call('ZRANGEBYSCORE', due, last, last)) do windows[#windows + 1] = { key = key, due = last, at = tonumber(last) } end
  end
  for from = 1, #windows, 1000 do
    local keys = {}
    for at = from, math.min(from + 999, #windows) do keys[#keys + 1] = windows[at].key end
    for at, span in ipairs(redis.call('HMGET', KEYS[3], unpack(keys))) do
      windows[from + at - 1].span, windows[from + at - 1].order = span, orderOf(span)
    end
  end
  table.sort(windows, function(one, other)
    if one.at ~= other.at then return one.at < other.at end
    if one.order ~= other.order then return one.order < other.order end
    return one.key < other.key
  end)
  return windows, #found / 2
end

if redis.call('EXISTS', KEYS[7]) == 1 then
  redis.call('LSET', KEYS[7], 0, ARGV[3])
else
  -- Windows that become due at once after this step need a new tick.
  redis.call('DEL', KEYS[4])
  local windows, taken, users = {}, {}, {}
  for number = 1, mostPages do
    local found, size = page((number - 1) * most)
    for _, window in ipairs(found) do
      local user = string.match(window.key, '^%d+:%d+') or ''
      local holder = holderOf(user)
      if holder and holder ~= batch then
        redis.call('HSET', KEYS[8], 'passed ' .. holder, '1')
      elseif #windows < most and not taken[window.key] then
        if not holder then users[#users + 1] = user end
        holders[user], taken[window.key] = batch, true
        windows[#windows + 1] = window
      end
    end
    if size < most or #windows == most then break end
  end
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
local answer = { now, left, upcoming[2] or '' }
local held = redis.call('LRANGE', KEYS[7], 1, -1)
for at = 1, #held do
  answer[#answer + 1] = held[at]
end
return answer
