-- Marks the sockets that a delivery was for, and that nothing follows any more, as having missed something: those that are
-- away, and those that opened since it fell due. The others had it sent to where they are.
--
-- ARGV  3 client; 4 source token, URI-encoded; 5 when its window fell due; 6 the one connection id it is for, or ""
for connection, entry in pairs(entries()) do
  -- A socket without an id of its own may be the one that is named: it came back under another one.
  local isMeant = ARGV[6] == '' or connection == ARGV[6] or entry.a
  if isMeant and entry.c == ARGV[3] and connection ~= ARGV[4] and (not isLive(entry) or entry.o >= tonumber(ARGV[5])) then
    entry.g = 1
    write(connection, entry)
  end
end
return {}
