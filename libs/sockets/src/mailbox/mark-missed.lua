-- Marks the sockets that missed an expired delivery: parked sockets, and sockets that opened since its window fell due.
-- Other sockets received the delivery at their nodes.
--
-- ARGV  3 client; 4 source token; 5 when the window fell due, in ms; 6 the one connection id that the delivery is for, or ""
for connection, entry in pairs(entries()) do
  -- An anonymous socket may be meant, too, because its client comes back under another id.
  local isMeant = ARGV[6] == '' or connection == ARGV[6] or entry.a
  if isMeant and entry.c == ARGV[3] and connection ~= ARGV[4] and (not isLive(entry) or entry.o >= tonumber(ARGV[5])) then
    entry.g = 1
    write(connection, entry)
  end
end
return {}
