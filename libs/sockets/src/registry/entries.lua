-- The entries and mailboxes of one user's sockets. This text is put between rules.lua and each script that changes them.
--
-- KEYS  1 sockets  hash: connection id -> JSON of an entry
--       2 mailbox  hash: id of a notification and client -> "left|given|bytes|round|delivery": how many sockets the delivery is
--                  parked for, 1 once a socket has received it, its bytes, id of the delivery whose
--                  job ends the parking or ""
--       3 index    sorted set, all scores 0: "mailbox|order|id" for each socket and delivery that is parked for it
--       4 backlog  of earlier versions, whose nodes may still run: list of "at|taken|anonymous|client|source|id|delivery": a
--                  delivery for all sockets of the client that have been parked since then; taken is 1 once a socket has
--                  received it, anonymous is 1 if it is for anonymous sockets too
--
-- The fields of an entry; times are in ms. An opening or closing is at least 0.1 ms later than all earlier ones, so that each
-- read of the entries is either before or after an opening or closing.
--   n     node
--   e     opening, unique at the node
--   c     client
--   i     digest of the session
--   a     1 if the socket is anonymous: the server generated its id
--   m     its mailbox in the index: the first connection id that the mailbox belonged to
--   o     opened at
--   s     renewed at
--   x     parked since, once it is closed
--   z     closed at
--   g     1 if it missed something that is stored nowhere
--   w     parked since, while it is open and has not collected its mailbox
--   b     parked since, before the last opening
--   h     earlier places: list of {node, opened at, closed at or nothing}
--   u     the opening that it took over from, until that opening has returned its unconfirmed deliveries
--   k, y  notifications and bytes in its mailbox

local function entryOf(connection)
  local json = redis.call('HGET', KEYS[1], connection)
  return json and cjson.decode(json)
end

local function write(connection, entry)
  redis.call('HSET', KEYS[1], connection, cjson.encode(entry))
  redis.call('PEXPIRE', KEYS[1], rules.knownMs)
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

-- The record of a parked delivery; nil if there is none.
local function recordOf(id)
  local record = redis.call('HGET', KEYS[2], id)
  local left, given, bytes, round, delivery = string.match(record or '', '^(%d+)|(%d)|(%d+)|([^|]*)|(.*)$')
  return left and { left = tonumber(left), given = given, bytes = tonumber(bytes), round = round, delivery = delivery }
end

local function writeRecord(id, one)
  redis.call('HSET', KEYS[2], id, table.concat({ one.left, one.given, one.bytes, one.round, one.delivery }, '|'))
  redis.call('PEXPIRE', KEYS[2], rules.knownMs)
end

-- Puts a delivery into the mailbox of a socket. If the mailbox is full, returns false and marks that the socket missed it.
local function add(entry, order, id, bytes, round, delivery, most, mostBytes)
  local member = table.concat({ entry.m, order, id }, '|')
  if redis.call('ZSCORE', KEYS[3], member) then return true end
  if (entry.k or 0) + 1 > most or (entry.y or 0) + bytes > mostBytes then
    entry.g = 1
    return false
  end
  entry.k, entry.y = (entry.k or 0) + 1, (entry.y or 0) + bytes
  redis.call('ZADD', KEYS[3], 0, member)
  redis.call('PEXPIRE', KEYS[3], rules.knownMs)
  local one = recordOf(id) or { left = 0, given = '0', bytes = bytes, round = round }
  one.left, one.delivery = one.left + 1, delivery
  writeRecord(id, one)
  return true
end

-- Removes one socket from the sockets that a delivery is parked for, and returns the delivery. `isGiven`: the socket receives it.
local function takeOff(id, isGiven)
  local one = recordOf(id)
  if not one then return nil end
  local delivery = one.delivery
  one.left = one.left - 1
  if isGiven then one.given = '1' end
  if one.left > 0 then
    writeRecord(id, one)
  elseif one.given == '1' or one.round == '' then
    redis.call('HDEL', KEYS[2], id)
  else
    one.delivery = '' -- the job that ends the parking reports it as expired
    writeRecord(id, one)
  end
  return delivery
end

-- Empties the mailbox of a socket and returns the deliveries.
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

-- Every entry by its connection id. Deletes entries of sockets that have been parked for longer than `knownMs`.
local function entries()
  local all, flat = {}, redis.call('HGETALL', KEYS[1])
  for at = 1, #flat, 2 do
    local entry = cjson.decode(flat[at + 1])
    if isLive(entry) or now - parkedSince(entry) < rules.knownMs then
      all[flat[at]] = entry
    else
      forget(flat[at], entry)
    end
  end
  return all
end

local function earlierOf(line)
  local at, taken, anonymous, client, source, id, delivery =
    string.match(line, '^(%d+)|(%d)|(%d)|([^|]*)|([^|]*)|([^|]*)|(.*)$')
  return {
    at = tonumber(at),
    taken = taken,
    isForAnonymous = anonymous == '1',
    client = client,
    source = source,
    id = id,
    delivery = delivery,
  }
end

-- Puts the deliveries that an earlier version has stored at `since` or later into the mailbox of a socket. That version limited
-- their number, so the mailbox has no limit here.
local function addEarlier(entry, connection, since)
  for index, line in ipairs(redis.call('LRANGE', KEYS[4], 0, -1)) do
    local one = earlierOf(line)
    local isMeant = one.client == entry.c and one.source ~= connection and (one.isForAnonymous or not entry.a)
    if isMeant and one.at and one.at >= since then
      redis.call('LSET', KEYS[4], index - 1, (string.gsub(line, '^(%d+)|0|', '%1|1|')))
      local delivery = cjson.decode(one.delivery)
      local order = string.format('%014d%016d', math.floor(delivery.dueAt or one.at), delivery.order or index)
      add(entry, order, one.id, #one.delivery, '', one.delivery, math.huge, math.huge)
    end
  end
end

-- Ends the parking of a delivery that an earlier version stored. Returns "1" if a socket received it, else ""; nil if there is no
-- such delivery.
local function settleEarlier(id)
  for _, line in ipairs(redis.call('LRANGE', KEYS[4], 0, -1)) do
    local one = earlierOf(line)
    if one.id == id then
      redis.call('LREM', KEYS[4], 1, line)
      return one.taken == '1' and '1' or ''
    end
  end
end
