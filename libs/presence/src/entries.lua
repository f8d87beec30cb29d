-- What the scripts of one user's sockets share; it is put in front of each.
--
-- KEYS  1 sockets  hash: connection id -> JSON {n node, c client, o opened at, s last seen at, x closed at or nothing,
--                  a 1 when the server made up the id, g 1 when it may have missed something unseen}; times in ms
--       2 backlog  list of "at|taken|nameless|client|source|id|delivery": what waits for a socket that may come back;
--                  nameless is 1 when it waits for one without an id of its own too
-- ARGV  1 clock in ms, or "" for Redis' own (tests bring a clock); 2 JSON list of the nodes that are known to be dead
local liveMs, awayMs, keepMs = 60000, 120000, 240000
local maxWaiting, maxWaitingBytes = 100, 524288

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

-- Since when a socket is away that may still come back; nothing when it is there, or gone for good.
local function awaySince(entry)
  local since = not isLive(entry) and (entry.x or entry.s)
  return since and now - since < awayMs and since
end

-- Every entry by its connection; those that are gone for good are forgotten.
local function entries()
  local all, flat = {}, redis.call('HGETALL', KEYS[1])
  for at = 1, #flat, 2 do
    local entry = cjson.decode(flat[at + 1])
    if isLive(entry) or awaySince(entry) then
      all[flat[at]] = entry
    else
      redis.call('HDEL', KEYS[1], flat[at])
    end
  end
  return all
end

local function waiting(line)
  local at, taken, nameless, client, source, id, delivery =
    string.match(line, '^(%d+)|(%d)|(%d)|([^|]*)|([^|]*)|([^|]*)|(.*)$')
  return { at = tonumber(at), taken = taken == '1', nameless = nameless == '1', client = client, source = source, id = id, delivery = delivery }
end

-- What waits for a socket that has been away since then; it counts as taken from now on.
local function take(client, connection, since, isAnonymous)
  local deliveries = {}
  for index, line in ipairs(redis.call('LRANGE', KEYS[2], 0, -1)) do
    local one = waiting(line)
    local isMeant = one.client == client and one.source ~= connection and (one.nameless or not isAnonymous)
    if isMeant and one.at >= since then
      redis.call('LSET', KEYS[2], index - 1, (string.gsub(line, '^(%d+)|0|', '%1|1|')))
      deliveries[#deliveries + 1] = one.delivery
    end
  end
  return deliveries
end
