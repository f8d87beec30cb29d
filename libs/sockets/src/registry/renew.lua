-- Renews the entries of sockets that a node still holds.
--
-- ARGV  3 node; 4 "1" if other nodes considered it dead; then for each socket: connection id, opening, client, digest of the
--       session, "1" if it is anonymous
-- Returns for each socket {connection id, result}. The result is "renewed"; "taken" if another opening has the id; "back" if the
--         socket was parked meanwhile and must collect its mailbox; "gap" if it missed something that is stored nowhere
local node, wasDead = ARGV[3], ARGV[4] == '1'
local answer = {}
for at = 5, #ARGV, 5 do
  local connection, opening, client, session = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local entry = entryOf(connection)
  local isMine = not entry or isOwn(entry, node, opening)
  local became = 'renewed'
  if not isMine and isLive(entry) then
    became = 'taken'
  elseif entry and (wasDead or not isMine or not isLive(entry)) then
    became = 'back'
    local since = parkedSince(entry)
    -- If another node had the id meanwhile, the socket missed the events that were sent to the other node.
    if not isMine or not mayCollect(entry) then entry.g = 1 end
    if not mayCollect(entry) then empty(entry, false) end
    entry.h = not isMine and { { entry.n, entry.o, entry.z } } or entry.h
    entry.n, entry.e, entry.c, entry.i, entry.m = node, opening, client, session, entry.m or connection
    if mayCollect(entry) then addEarlier(entry, connection, since) end
    entry.o, entry.w, entry.b, entry.x, entry.z = instant(entries()), since, since, nil, nil
  else
    entry = entry or { n = node, e = opening, c = client, i = session, o = now, a = ARGV[at + 4] == '1' and 1 or nil, m = connection }
    if entry.g and not entry.w then
      became, entry.g = 'gap', nil
    end
  end
  if became ~= 'taken' then
    entry.s = now
    write(connection, entry)
  end
  answer[#answer + 1] = { connection, became }
end
return answer
