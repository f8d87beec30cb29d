-- What the scripts of one user's sockets share; it is put in front of each.
--
-- KEYS  1 sockets  hash: connection id -> JSON of an entry
--       2 mailbox  hash: id of a notification and client -> "left|given|bytes|round|delivery": for how many sockets it still
--                  waits, 1 once a socket has got it, bytes that it counts for, the hand-over that ends its waiting or ""
--       3 index    sorted set, all scores 0: "mailbox|order|id" for each socket and delivery that waits for it
--       4 backlog  of earlier versions, whose nodes may still run: list of "at|taken|nameless|client|source|id|delivery": what
--                  waits for any socket of the client that has been away since then; taken is 1 once one has got it, nameless is
--                  1 when it waits for sockets without an id of their own too
--
-- An entry, times in ms. Those of opening and closing are later than all before them, by a tenth where they fall into one ms,
-- so that a look at the entries is before or after each of them:
--   n node   e opening, unique at the node   c client   i digest of the session   a 1 when the server made up the id
--   m mailbox   o opened at   s last seen at   x away since, once it is closed   z closed at   g 1 when it has missed something
--   w away since, while it is open and has not collected its mailbox   b away since, before it was opened last
--   h where it was before: list of {node, opened at, closed at or nothing}
--   u the opening that it took over from, until that one has returned what its client has not confirmed
--   k, y notifications and bytes in its mailbox
--
-- ARGV  1 clock in ms, or "" for Redis' own (tests bring a clock); 2 JSON list of the nodes that are known to be dead
local liveMs, awayMs, keepMs = 60000, 120000, 240000
local mostAway, mostPlaces = 32, 8

local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end
local dead = {}
for _, node in ipairs(cjson.decode(ARGV[2])) do dead[node] = true end

local function entryOf(connection)
  local json = redis.call('HGET', KEYS[1], connection)
  return json and cjson.decode(json)
end

local function write(connection, entry)
  redis.call('HSET', KEYS[1], connection, cjson.encode(entry))
  redis.call('PEXPIRE', KEYS[1], keepMs)
end

local function isLive(entry)
  return not entry.x and not dead[entry.n] and now - entry.s < liveMs
end

-- Since when a socket that is not live has been away.
local function sinceOf(entry)
  return entry.x or entry.w or entry.s
end

-- Whether a socket that is not live may still come back and collect what waits for it.
local function mayCollect(entry)
  return now - sinceOf(entry) < awayMs
end

-- The time of an opening or closing that happens now.
local function instant(all)
  local latest = now
  for _, entry in pairs(all) do latest = math.max(latest, entry.o, entry.z or 0) end
  return latest + 0.1
end

local function isOwn(entry, node, opening)
  return entry.n == node and (not entry.e or entry.e == opening)
end

local function openingOf(entry)
  return entry.n .. ' ' .. (entry.e or '')
end

-- The members of a mailbox in the index, in the order of acceptance.
local function membersOf(entry)
  local mailbox = entry.m or ''
  return redis.call('ZRANGEBYLEX', KEYS[3], '[' .. mailbox .. '|', '(' .. mailbox .. '}')
end

-- How a delivery waits; nothing when it does not.
local function waitingOf(id)
  local record = redis.call('HGET', KEYS[2], id)
  local left, given, bytes, round, delivery = string.match(record or '', '^(%d+)|(%d)|(%d+)|([^|]*)|(.*)$')
  return left and { left = tonumber(left), given = given, bytes = tonumber(bytes), round = round, delivery = delivery }
end

local function keepWaiting(id, one)
  redis.call('HSET', KEYS[2], id, table.concat({ one.left, one.given, one.bytes, one.round, one.delivery }, '|'))
  redis.call('PEXPIRE', KEYS[2], keepMs)
end

-- Puts a delivery into the mailbox of a socket. Answers false, and notes that the socket misses it, where that is full.
local function add(entry, order, id, bytes, round, delivery, most, mostBytes)
  local member = table.concat({ entry.m, order, id }, '|')
  if redis.call('ZSCORE', KEYS[3], member) then return true end
  if (entry.k or 0) + 1 > most or (entry.y or 0) + bytes > mostBytes then
    entry.g = 1
    return false
  end
  entry.k, entry.y = (entry.k or 0) + 1, (entry.y or 0) + bytes
  redis.call('ZADD', KEYS[3], 0, member)
  redis.call('PEXPIRE', KEYS[3], keepMs)
  local one = waitingOf(id) or { left = 0, given = '0', bytes = bytes, round = round }
  one.left, one.delivery = one.left + 1, delivery
  keepWaiting(id, one)
  return true
end

-- Takes one socket off those that a delivery waits for. `isGiven` says that the socket gets it.
local function takeOff(id, isGiven)
  local one = waitingOf(id)
  if not one then return nil end
  local delivery = one.delivery
  one.left = one.left - 1
  if isGiven then one.given = '1' end
  if one.left > 0 then
    keepWaiting(id, one)
  elseif one.given == '1' or one.round == '' then
    redis.call('HDEL', KEYS[2], id)
  else
    one.delivery = '' -- the job that ends its waiting reports it as expired
    keepWaiting(id, one)
  end
  return delivery
end

-- Empties the mailbox of a socket. Answers the deliveries.
local function empty(entry, isGiven)
  local deliveries, members = {}, membersOf(entry)
  for _, member in ipairs(members) do
    redis.call('ZREM', KEYS[3], member)
    local delivery = takeOff(string.match(member, '^[^|]*|[^|]*|(.*)$'), isGiven)
    if delivery and delivery ~= '' then deliveries[#deliveries + 1] = delivery end
  end
  entry.k, entry.y = nil, nil
  return deliveries
end

local function forget(connection, entry)
  empty(entry, false)
  redis.call('HDEL', KEYS[1], connection)
end

-- Every entry by its connection. Those that are away for longer than they are known are forgotten.
local function entries()
  local all, flat = {}, redis.call('HGETALL', KEYS[1])
  for at = 1, #flat, 2 do
    local entry = cjson.decode(flat[at + 1])
    if isLive(entry) or now - sinceOf(entry) < keepMs then
      all[flat[at]] = entry
    else
      forget(flat[at], entry)
    end
  end
  return all
end

local function earlierOf(line)
  local at, taken, nameless, client, source, id, delivery =
    string.match(line, '^(%d+)|(%d)|(%d)|([^|]*)|([^|]*)|([^|]*)|(.*)$')
  return { at = tonumber(at), taken = taken, nameless = nameless == '1', client = client, source = source, id = id, delivery = delivery }
end

-- Puts what an earlier version keeps for a socket that has been away since then into its mailbox. The version bounded it.
local function addEarlier(entry, connection, since)
  for index, line in ipairs(redis.call('LRANGE', KEYS[4], 0, -1)) do
    local one = earlierOf(line)
    local isMeant = one.client == entry.c and one.source ~= connection and (one.nameless or not entry.a)
    if isMeant and one.at and one.at >= since then
      redis.call('LSET', KEYS[4], index - 1, (string.gsub(line, '^(%d+)|0|', '%1|1|')))
      local delivery = cjson.decode(one.delivery)
      local order = string.format('%014d%016d', math.floor(delivery.dueAt or one.at), delivery.order or index)
      add(entry, order, one.id, #one.delivery, '', one.delivery, math.huge, math.huge)
    end
  end
end

-- Ends the waiting of a delivery that an earlier version keeps. Answers "1" when a socket got it, "" when none did, or nothing.
local function settleEarlier(id)
  for _, line in ipairs(redis.call('LRANGE', KEYS[4], 0, -1)) do
    local one = earlierOf(line)
    if one.id == id then
      redis.call('LREM', KEYS[4], 1, line)
      return one.taken == '1' and '1' or ''
    end
  end
end
