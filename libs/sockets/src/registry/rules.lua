-- Defines when a socket is live and how long it is parked. This text is put in front of every script that reads entries.
--
-- ARGV  1 time in ms (in tests), or "" for the clock of Redis
--       2 JSON object, times in ms:
--         dead             the nodes that are known to be dead
--         parkedNode       the name that stands for the node of all parked sockets
--         liveMs           a socket that its node has not renewed for this time is parked
--         parkedMs         a socket that closed may come back within this time and collect its mailbox
--         knownMs          an entry of a socket that closed is deleted after this time
--         parkedPerUser    most parked sockets of a user; the oldest ones above this number are deleted
--         placesPerSocket  most earlier places (node and times) of a socket that are stored
local rules = cjson.decode(ARGV[2])
local now = clock(ARGV[1])

local isDead = {}
for _, node in ipairs(rules.dead) do isDead[node] = true end

local function isLive(entry)
  return not entry.x and not isDead[entry.n] and now - entry.s < rules.liveMs
end

-- The time at which a socket that is not live was parked.
local function parkedSince(entry)
  return entry.x or entry.w or entry.s
end

-- Whether a socket that is not live may still come back and collect its mailbox.
local function mayCollect(entry)
  return now - parkedSince(entry) < rules.parkedMs
end
