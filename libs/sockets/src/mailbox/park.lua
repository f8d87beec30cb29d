-- Finds out where deliveries of one user go whose sockets are away, or are not where they were looked for.
--
-- ARGV  3 most notifications and 4 most bytes in a mailbox; then for each delivery: id of the notification and the client;
--       client; source token; the node whose sockets it was for, or "-" for those that were away; the one connection id that
--       it is for, or ""; from when and until when (ms) presence may have been read for it; "1" when other sockets at that node
--       have it; order; bytes; the hand-over that ends its waiting; delivery
-- Answer: for each delivery a list: "parked" when it waits in a mailbox; "full" when no mailbox has room; "" when no socket is
--         to be waited for; then node and connection id of each socket that came back and collected its mailbox before
local most, mostBytes = tonumber(ARGV[3]), tonumber(ARGV[4])
local all, changed, answer = entries(), {}, {}

-- Whether the socket was live at that node when presence was read.
local function wasAt(node, openedAt, closedAt, from, lookedFrom, lookedUntil)
  return node == from and openedAt <= lookedUntil and (not closedAt or closedAt > lookedFrom)
end

local function isMeant(connection, entry, from, only, lookedFrom, lookedUntil, isBeside)
  if only ~= '' then return connection == only or entry.m == only end
  local live = isLive(entry)
  if from ~= '-' then
    if live and entry.n == from then return not isBeside end
    if not live and wasAt(entry.n, entry.o, entry.z, from, lookedFrom, lookedUntil) then return true end
    for _, place in ipairs(entry.h or {}) do
      if wasAt(place[1], place[2], place[3], from, lookedFrom, lookedUntil) then return true end
    end
    return false
  end
  -- Those that were away then: they still are, or have come back since.
  local wasAwayBefore = entry.o > lookedFrom and entry.b and entry.b <= lookedUntil
  if live then return wasAwayBefore or (lookedFrom < lookedUntil and entry.o > lookedFrom) end
  local wasLive = entry.z and entry.o <= lookedFrom and lookedUntil < entry.z
  return wasAwayBefore or (sinceOf(entry) <= lookedUntil and not wasLive)
end

for at = 5, #ARGV, 12 do
  local id, client, source, from, only = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4]
  local lookedFrom, lookedUntil, isBeside = tonumber(ARGV[at + 5]), tonumber(ARGV[at + 6]), ARGV[at + 7] == '1'
  local isHeard = false
  for connection, entry in pairs(all) do
    if entry.c == client and connection ~= source and isLive(entry) then isHeard = true end
  end
  local became = { '' }
  for connection, entry in pairs(all) do
    local isAway = not isLive(entry)
    -- A socket without an id of its own cannot be told from a new one. It is waited for only where no other one listens:
    -- else every new tab would get again what the user has seen in another one.
    local isWaitedFor = not isAway or (mayCollect(entry) and not (entry.a and (isHeard or isBeside)))
    if entry.c == client and connection ~= source and isWaitedFor
      and isMeant(connection, entry, from, only, lookedFrom, lookedUntil, isBeside) then
      if isAway or entry.w then
        entry.m = entry.m or connection
        local isKept = add(entry, ARGV[at + 8], id, tonumber(ARGV[at + 9]), ARGV[at + 10], ARGV[at + 11], most, mostBytes)
        changed[connection] = entry
        if isKept then became[1] = 'parked' elseif became[1] == '' then became[1] = 'full' end
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
