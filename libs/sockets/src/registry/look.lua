-- Finds the nodes that hold sockets of many users of one shard, in one command, because most users have no socket.
--
-- KEYS  the users' sockets (see entries.lua)
-- ARGV  as in rules.lua
-- Returns for each user who has entries: the number of the user among the keys, from 0; the time of this read in ms, not
--         earlier than any opening or closing; groups {node, client, "1" if anonymous parked sockets are excluded, connection
--         id, …}. The group of parked sockets has the node `parkedNode`.
local parkedNode = rules.parkedNode

-- Returns a list for the groups of a user, by node and client, and a function that adds a socket to its group.
local function newGroups()
  local groups, byName = {}, {}
  return groups, function(node, client, connection)
    local name = node .. ' ' .. client
    local group = byName[name]
    if not group then
      group = { node, client, '' }
      byName[name], groups[#groups + 1] = group, group
    end
    group[#group + 1] = connection
  end
end

local found = {}
for at, sockets in ipairs(KEYS) do
  local flat = redis.call('HGETALL', sockets)
  if #flat > 0 then
    local lookedAt, anonymous, hasLive = now, {}, {}
    local groups, add = newGroups()
    for index = 1, #flat, 2 do
      local connection, entry = flat[index], cjson.decode(flat[index + 1])
      lookedAt = math.max(lookedAt, entry.o, entry.z or 0)
      if isLive(entry) then
        hasLive[entry.c] = true
        add(entry.n, entry.c, connection)
      elseif mayCollect(entry) then
        if entry.a then
          anonymous[#anonymous + 1] = { entry.c, connection }
        else
          add(parkedNode, entry.c, connection)
        end
      end
    end
    -- A client that comes back anonymously cannot be distinguished from a new one. Its socket is parked only while no other socket
    -- of its client is live: otherwise every new tab would get notifications that the user has seen in another tab.
    for _, one in ipairs(anonymous) do
      if not hasLive[one[1]] then add(parkedNode, one[1], one[2]) end
    end
    for _, group in ipairs(groups) do
      if group[1] == parkedNode and hasLive[group[2]] then group[3] = '1' end
    end
    found[#found + 1] = at - 1
    found[#found + 1] = string.format('%.17g', lookedAt)
    found[#found + 1] = groups
  end
end
return found
