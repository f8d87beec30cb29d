-- Ends the waiting of deliveries. Sockets that have not collected one are noted to have missed it.
--
-- ARGV  then for each: id as in park.lua, order, the hand-over that ends its waiting
-- Answer: for each "1" when a socket got it, or it waits because of another hand-over; else ""
local all, answer = entries(), {}
for at = 3, #ARGV, 3 do
  local id, order = ARGV[at], ARGV[at + 1]
  local one = waitingOf(id)
  if not one or one.round ~= ARGV[at + 2] then
    answer[#answer + 1] = '1'
  else
    for connection, entry in pairs(all) do
      if redis.call('ZREM', KEYS[3], table.concat({ entry.m or '', order, id }, '|')) == 1 then
        entry.k, entry.y, entry.g = entry.k - 1, entry.y - one.bytes, 1
        write(connection, entry)
      end
    end
    redis.call('HDEL', KEYS[2], id)
    answer[#answer + 1] = one.given == '1' and '1' or ''
  end
end
return answer
