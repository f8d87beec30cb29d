-- Notes that a socket closed, and puts the unconfirmed deliveries into its mailbox. If another opening has taken over and
-- has collected the mailbox, the deliveries must be sent to that opening.
--
-- ARGV  3 connection id; 4 node; 5 opening; 6 "1" if it missed something that is stored nowhere; 7 most notifications and 8 most
--       bytes in the mailbox; then for each delivery: order, id, bytes, delivery
-- Returns {the node that the deliveries must be sent to, or ""}
local connection, node, opening = ARGV[3], ARGV[4], ARGV[5]
local most, mostBytes = tonumber(ARGV[7]), tonumber(ARGV[8])
local all = entries()
local entry = all[connection]
if not entry then return { '' } end
entry.m = entry.m or connection
if isOwn(entry, node, opening) then
  if not entry.x then
    local closedAt = instant(all)
    entry.x, entry.z = entry.w or closedAt, closedAt
  end
elseif entry.u == node .. ' ' .. opening then
  entry.u = nil
end
if ARGV[6] == '1' then entry.g = 1 end
local hasCollected = isLive(entry) and not entry.w
for at = 9, #ARGV, 4 do
  if not hasCollected then add(entry, ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2]), '', ARGV[at + 3], most, mostBytes) end
end
write(connection, entry)
return { hasCollected and entry.n or '' }
