-- Notes that a node still holds its sockets.
--
-- ARGV  3 node; 4 "1" when the node was taken for dead; then for each socket: connection id, opening, client, digest of the
--       session, "1" when the server made up the id
-- Answer: for each {connection id, answer}: "kept"; "taken" when another opening has the id; "back" when it was taken for away,
--         so that it has to collect its mailbox; "gap" when it missed something that nobody keeps
local node, wasDead = ARGV[3], ARGV[4] == '1'
local answer = {}
for at = 5, #ARGV, 5 do
  local connection, opening, client, session = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  local entry = entryOf(connection)
  local isMine = not entry or isOwn(entry, node, opening)
  local kind = 'kept'
  if not isMine and isLive(entry) then
    kind = 'taken'
  elseif entry and (wasDead or not isMine or not isLive(entry)) then
    kind = 'back'
    local since = sinceOf(entry)
    -- Its own node lost nothing of what it sent, but does not know what went to another one that had the id since.
    if not isMine or not mayCollect(entry) then entry.g = 1 end
    if not mayCollect(entry) then empty(entry, false) end
    entry.h = not isMine and { { entry.n, entry.o, entry.z } } or entry.h
    entry.n, entry.e, entry.c, entry.i, entry.m = node, opening, client, session, entry.m or connection
    if mayCollect(entry) then addEarlier(entry, connection, since) end
    entry.o, entry.w, entry.b, entry.x, entry.z = instant(entries()), since, since, nil, nil
  else
    entry = entry or { n = node, e = opening, c = client, i = session, o = now, a = ARGV[at + 4] == '1' and 1 or nil, m = connection }
    if entry.g and not entry.w then
      kind, entry.g = 'gap', nil
    end
  end
  if kind ~= 'taken' then
    entry.s = now
    write(connection, entry)
  end
  answer[#answer + 1] = { connection, kind }
end
return answer
