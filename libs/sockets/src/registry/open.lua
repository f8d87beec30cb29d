-- Opens a socket, unless its id is in use by another session or its user has as many as allowed.
--
-- ARGV  3 connection id; 4 node; 5 opening; 6 client; 7 digest of the session; 8 "1" when the server made up the id; 9 most
--       live sockets of the user
-- Answer: {"duplicate"}; or {"full"}; or {"open", "1" if it has to collect its mailbox, node and opening that it took over
--         from, or ""}
local connection, node, opening, client, session = ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local isAnonymous = ARGV[8] == '1'

local all, live, away = entries(), 0, {}
local back, taken
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
    -- A client without an id of its own comes back under a new one: as the one that has been away longest.
    if not back or sinceOf(entry) < sinceOf(all[back]) then back = other end
  elseif other ~= connection then
    away[#away + 1] = other
  end
end
if live >= tonumber(ARGV[9]) then return { 'full' } end

local openedAt = instant(all)
local fresh = { n = node, e = opening, c = client, i = session, o = openedAt, s = now, a = isAnonymous and 1 or nil, m = connection }

-- Deliveries may be on their way to where the socket was. Places before that matter while it has collected nothing since.
local function placesOf(was, closedAt)
  local places = was.w and was.h or {}
  places[#places + 1] = { was.n, was.o, closedAt }
  while #places > mostPlaces do table.remove(places, 1) end
  return places
end

if taken then
  fresh.m, fresh.k, fresh.y, fresh.g, fresh.b = taken.m or connection, taken.k, taken.y, taken.g, taken.b
  fresh.w, fresh.h, fresh.u = taken.w or openedAt, placesOf(taken, openedAt), openingOf(taken)
elseif back then
  local was = all[back]
  local since = sinceOf(was)
  -- A node that died took along what it had sent, and nobody knows what that was.
  fresh.g = (was.g or not was.x or not mayCollect(was)) and 1 or nil
  if not mayCollect(was) then empty(was, false) end
  fresh.m, fresh.k, fresh.y = was.m or back, was.k, was.y
  fresh.w, fresh.b, fresh.h = since, since, placesOf(was, was.z)
  if mayCollect(was) then addEarlier(fresh, connection, since) end
  redis.call('HDEL', KEYS[1], back)
end
-- Another client of the user may have had this id.
if all[connection] and not taken and back ~= connection then forget(connection, all[connection]) end
write(connection, fresh)

-- Of a user whose sockets open and close without end, only the newest are remembered.
table.sort(away, function(one, other) return sinceOf(all[one]) > sinceOf(all[other]) end)
for at = mostAway + 1, #away do forget(away[at], all[away[at]]) end

return { 'open', fresh.w and '1' or '', fresh.u or '' }
