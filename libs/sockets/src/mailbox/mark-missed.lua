-- Notes that sockets have missed a delivery that is given up: those that are away, and those that opened since it fell due. It
-- was sent to the others where they are.
--
-- ARGV  3 client; 4 source token; 5 when its window fell due; 6 the one connection id it is for, or ""
for connection, entry in pairs(entries()) do
  -- A socket without an id of its own may be the one that is named: it came back under another id.
  local isMeant = ARGV[6] == '' or connection == ARGV[6] or entry.a
  if isMeant and entry.c == ARGV[3] and connection ~= ARGV[4] and (not isLive(entry) or entry.o >= tonumber(ARGV[5])) then
    entry.g = 1
    write(connection, entry)
  end
end
return {}
