-- Says of sockets that their node still holds them.
--
-- ARGV  3 node; 4 "1" when the node was taken for dead; then for each: connection id, client, "1" when the server made
--       up the id
-- Answer: for each: {connection id, "kept"}; {.., "taken"} when another node holds that id; or {.., "back", "1" if it
--         may have missed something, deliveries that waited} for one that was taken for away, or that missed something
local node, wasDead = ARGV[3], ARGV[4] == '1'
local answer = {}
for at = 5, #ARGV, 3 do
  local connection, client = ARGV[at], ARGV[at + 1]
  local entry = entryOf(connection)
  if entry and entry.n ~= node and isLive(entry) then
    answer[#answer + 1] = { connection, 'taken' }
  elseif entry and (wasDead or entry.n ~= node or not isLive(entry)) then
    local deliveries = take(client, connection, entry.x or entry.s)
    -- Its own node lost nothing of what it sent, but heard nothing of what went to another one that held the id since.
    local hasGap = entry.g or entry.n ~= node
    answer[#answer + 1] = { connection, 'back', hasGap and '1' or '', unpack(deliveries) }
    -- It opens anew: what others are about to park for it is sent on to it.
    write(connection, { n = node, c = client, o = now, s = now, a = entry.a })
  else
    entry = entry or { n = node, c = client, o = now, a = ARGV[at + 2] == '1' and 1 or nil }
    answer[#answer + 1] = entry.g and { connection, 'back', '1' } or { connection, 'kept' }
    entry.s, entry.g = now, nil
    write(connection, entry)
  end
end
return answer
