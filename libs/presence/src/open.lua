-- Opens a socket, unless its id is in use or its user has as many as allowed.
--
-- ARGV  3 connection id; 4 node; 5 client; 6 "1" when the server made up the id; 7 most live sockets of the user
-- Answer: "duplicate"; or "full"; or "open", the clock, since when it was away or "", "1" if it may have missed
--         something that is not kept, then each delivery that waited for it
local connection, node, client = ARGV[3], ARGV[4], ARGV[5]
local isAnonymous = ARGV[6] == '1'

local live, back, backSince = 0, nil, nil
for other, entry in pairs(entries()) do
  if isLive(entry) then
    if other == connection then return { 'duplicate' } end
    live = live + 1
  elseif entry.c == client and (other == connection or (isAnonymous and entry.a)) then
    -- A client without an id of its own comes back under a new one: as the one that has been away longest.
    local since = awaySince(entry)
    if not backSince or since < backSince then back, backSince = other, since end
  end
end
if live >= tonumber(ARGV[7]) then return { 'full' } end

local hasGap = ''
local answer = {}
if back then
  local was = entryOf(back)
  -- A node that died said no good-bye, and nobody knows what it took along of what it had sent.
  hasGap = (was.g or not was.x) and '1' or ''
  answer = take(client, connection, backSince, isAnonymous)
  redis.call('HDEL', KEYS[1], back)
end
write(connection, { n = node, c = client, o = now, s = now, a = isAnonymous and 1 or nil })
return { 'open', tostring(now), backSince and tostring(backSince) or '', hasGap, unpack(answer) }
