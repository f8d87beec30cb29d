-- Parks deliveries of one user whose sockets have left the nodes where the registry had them, or finds their new nodes.
--
-- ARGV  3 most notifications and 4 most bytes in a mailbox; then for each delivery: id of the notification and the client;
--       client; source token; the node whose sockets the delivery was for, or `parkedNode`; the one connection id that it is
--       for, or ""; the earliest and the latest time (ms) at which the registry may have been read for it; "1" if live sockets
--       have received it, so that it is not for live sockets at that node nor for anonymous parked sockets; order; bytes; id of
--       the delivery whose job ends its parking; delivery
-- Returns for each delivery a list: "parked" if it is in a mailbox; "full" if no mailbox has room; "" if no socket can come
--         back; then node and connection id of each socket that came back and has collected its mailbox
local most, mostBytes = tonumber(ARGV[3]), tonumber(ARGV[4])
local all, changed, answer = entries(), {}, {}

-- Whether the socket was live at the node `from` when the registry was read.
local function wasAt(node, openedAt, closedAt, from, lookedFrom, lookedUntil)
  return node == from and openedAt <= lookedUntil and (not closedAt or closedAt > lookedFrom)
end

local function isMeant(connection, entry, from, only, lookedFrom, lookedUntil, isNamedOnly)
  if only ~= '' then return connection == only or entry.m == only end
  local live = isLive(entry)
  if from ~= rules.parkedNode then
    if live and entry.n == from then return not isNamedOnly end
    if not live and wasAt(entry.n, entry.o, entry.z, from, lookedFrom, lookedUntil) then return true end
    for _, place in ipairs(entry.h or {}) do
      if wasAt(place[1], place[2], place[3], from, lookedFrom, lookedUntil) then return true end
    end
    return false
  end
  -- The delivery is for sockets that were parked when the registry was read. They are still parked, or have come back since.
  local wasParkedBefore = entry.o > lookedFrom and entry.b and entry.b <= lookedUntil
  if live then return wasParkedBefore or (lookedFrom < lookedUntil and entry.o > lookedFrom) end
  local wasLive = entry.z and entry.o <= lookedFrom and lookedUntil < entry.z
  return wasParkedBefore or (parkedSince(entry) <= lookedUntil and not wasLive)
end

for at = 5, #ARGV, 12 do
  local id, client, source, from, only = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
  local lookedFrom, lookedUntil, isNamedOnly = tonumber(ARGV[at + 5]), tonumber(ARGV[at + 6]), ARGV[at + 7] == '1'
  local hasLive = false
  for connection, entry in pairs(all) do
    if entry.c == client and connection ~= source and isLive(entry) then hasLive = true end
  end
  local became = { '' }
  for connection, entry in pairs(all) do
    local isParked = not isLive(entry)
    -- A client that comes back anonymously cannot be distinguished from a new one. Its socket is parked only while no other socket
    -- of its client is live: otherwise every new tab would get notifications that the user has seen in another tab.
    local mayReceive = not isParked or (mayCollect(entry) and not (entry.a and (hasLive or isNamedOnly)))
    if entry.c == client and connection ~= source and mayReceive
      and isMeant(connection, entry, from, only, lookedFrom, lookedUntil, isNamedOnly) then
      if isParked or entry.w then
        entry.m = entry.m or connection
        local isAdded = add(entry, ARGV[at + 8], id, tonumber(ARGV[at + 9]), ARGV[at + 10], ARGV[at + 11], most, mostBytes)
        changed[connection] = entry
        if isAdded then became[1] = 'parked' elseif became[1] == '' then became[1] = 'full' end
      else
        became[#became + 1] = entry.n
        became[#became + 1] = connection
      end
    end
  end
  answer[#answer + 1] = became
end
for connection, entry in pairs(changed) do write(connection, entry) end
return answer
