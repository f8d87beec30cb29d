-- Opens a socket, unless another session uses its id or its user has as many sockets as allowed.
--
-- ARGV  3 connection id; 4 node; 5 opening; 6 client; 7 digest of the session; 8 "1" if the socket is anonymous; 9 most live
--       sockets of the user
-- Returns {"duplicate"}; or {"full"}; or {"open", "1" if the socket must collect its mailbox, node and opening that it took over
--         from or "", previous node of the socket if that node is dead or ""}
local connection, node, opening, client, session = ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local isAnonymous = ARGV[8] == '1'

local all, live, parked = entries(), 0, {}
local back, taken, deadNode
for other, entry in pairs(all) do
  if isLive(entry) then
    if other ~= connection then
      live = live + 1
    elseif entry.c == client and entry.i == session then
      taken = entry
    else
      return { 'duplicate' }
    end
  elseif entry.c == client and (other == connection or (isAnonymous and entry.a)) then
    -- An anonymous client comes back under a new id. It gets the anonymous socket that has been parked for longest.
    if not back or parkedSince(entry) < parkedSince(all[back]) then back = other end
  elseif other ~= connection then
    parked[#parked + 1] = other
  end
end
if live >= tonumber(ARGV[9]) then return { 'full' } end

local openedAt = instant(all)
local fresh = { n = node, e = opening, c = client, i = session, o = openedAt, s = now, a = isAnonymous and 1 or nil, m = connection }

-- Deliveries may be on their way to the current place (node and opening) of the socket. Earlier places matter until the socket has
-- collected its mailbox.
local function placesOf(was, closedAt)
  local places = was.w and was.h or {}
  places[#places + 1] = { was.n, was.o, closedAt }
  while #places > rules.placesPerSocket do table.remove(places, 1) end
  return places
end

if taken then
  fresh.m, fresh.k, fresh.y, fresh.g, fresh.b = taken.m or connection, taken.k, taken.y, taken.g, taken.b
  fresh.w, fresh.h, fresh.u = taken.w or openedAt, placesOf(taken, openedAt), openingOf(taken)
elseif back then
  local was = all[back]
  local since = parkedSince(was)
  -- If the node of the socket died, it is unknown which earlier events the client received, so some count as missed.
  fresh.g = (was.g or not was.x or not mayCollect(was)) and 1 or nil
  if not mayCollect(was) then empty(was, false) end
  fresh.m, fresh.k, fresh.y = was.m or back, was.k, was.y
  fresh.w, fresh.b, fresh.h = since, since, placesOf(was, was.z)
  if mayCollect(was) then addEarlier(fresh, connection, since) end
  deadNode = isDead[was.n] and was.n
  redis.call('HDEL', KEYS[1], back)
end
-- Another client of the user may have had this id. The entry of its socket is deleted.
if all[connection] and not taken and back ~= connection then forget(connection, all[connection]) end
write(connection, fresh)

-- Only the newest parked sockets of a user keep their entries, because sockets may open and close without end.
table.sort(parked, function(one, other) return parkedSince(all[one]) > parkedSince(all[other]) end)
for at = rules.parkedPerUser + 1, #parked do forget(parked[at], all[parked[at]]) end

return { 'open', fresh.w and '1' or '', fresh.u or '', deadNode or '' }
