-- Ends the parking of deliveries, and marks the sockets that missed a delivery, because they have not collected it.
--
-- ARGV  from 3, for each delivery: id as in park.lua, order, id of the delivery whose job ends its parking, client, source token
-- Returns a list for each delivery: "1" if a socket received it, or another job ends its parking, else ""; then, if sockets came
--         back to nodes of an earlier version, which has no mailboxes: the delivery, and node and connection id of each socket
local all, answer = entries(), {}

-- Whether the delivery is parked for a socket that a node of an earlier version has opened since.
local function isAtEarlierNode(connection, entry, order, member, client, source)
  if not isLive(entry) or entry.e or entry.c ~= client or connection == source then return false end
  return redis.call('ZREM', KEYS[3], member) == 1 or (entry.a and entry.o >= tonumber(string.sub(order, 1, 14)))
end

for at = 3, #ARGV, 5 do
  local id, order = ARGV[at], ARGV[at + 1]
  local one = recordOf(id)
  if not one or one.round ~= ARGV[at + 2] then
    answer[#answer + 1] = { settleEarlier(id) or '1' }
  else
    local became = { one.given == '1' and '1' or '' }
    for connection, entry in pairs(all) do
      local member = table.concat({ entry.m or connection, order, id }, '|')
      if one.delivery ~= '' and isAtEarlierNode(connection, entry, order, member, ARGV[at + 3], ARGV[at + 4]) then
        if #became == 1 then became[2] = one.delivery end
        became[#became + 1] = entry.n
        became[#became + 1] = connection
      elseif redis.call('ZREM', KEYS[3], member) == 1 then
        entry.k, entry.y, entry.g = (entry.k or 1) - 1, (entry.y or one.bytes) - one.bytes, 1
        write(connection, entry)
      end
    end
    redis.call('HDEL', KEYS[2], id)
    answer[#answer + 1] = became
  end
end
return answer
