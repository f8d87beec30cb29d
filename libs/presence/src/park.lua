-- Finds out where a delivery goes whose socket is not where it was looked for.
--
-- ARGV  3 id of the notification and the client; 4 client; 5 source token, URI-encoded; 6 when its window fell due; 7 the
--       delivery; 8 "1" when it is for sockets with an id of their own only
-- Answer: "parked" when it waits for a socket that may come back, "full" when too much does, "" when none may; then node
--         and connection id of each socket that came back already
local id, client, source, dueAt = ARGV[3], ARGV[4], ARGV[5], tonumber(ARGV[6])
local away, nameless, isHeard, answer = {}, {}, false, { '' }
for connection, entry in pairs(entries()) do
  if entry.c == client and connection ~= source then
    if not isLive(entry) then
      (entry.a and nameless or away)[connection] = entry
    else
      isHeard = true
      if entry.o >= dueAt then
        answer[#answer + 1] = entry.n
        answer[#answer + 1] = connection
      end
    end
  end
end
-- A socket without an id of its own cannot be told from a new one. It is waited for only where no other one listens:
-- else every new tab would be told again what the user has seen in another one.
local waitsForNameless = ARGV[8] ~= '1' and not isHeard and next(nameless) ~= nil
if waitsForNameless then
  for connection, entry in pairs(nameless) do away[connection] = entry end
end
if not next(away) then return answer end

local bytes, count = #ARGV[7], 0
for _, line in ipairs(redis.call('LRANGE', KEYS[2], 0, -1)) do
  local one = waiting(line)
  if one.id == id or now - one.at >= awayMs then
    redis.call('LREM', KEYS[2], 1, line)
  else
    bytes, count = bytes + #one.delivery, count + 1
  end
end
if count < maxWaiting and bytes <= maxWaitingBytes then
  redis.call('RPUSH', KEYS[2], table.concat({ tostring(now), '0', waitsForNameless and '1' or '0', client, source, id, ARGV[7] }, '|'))
  redis.call('PEXPIRE', KEYS[2], keepMs)
  answer[1] = 'parked'
else
  for connection, entry in pairs(away) do
    entry.g = 1
    write(connection, entry)
  end
  answer[1] = 'full'
end
return answer
