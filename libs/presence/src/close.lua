-- Notes that a socket of a node is away, unless it is another node's by now.
--
-- ARGV  3 node; 4 connection id; 5 since when it is away, or "" for now; 6 "1" if it may have missed something unseen
local entry = entryOf(ARGV[4])
if entry and entry.n == ARGV[3] and not entry.x then
  entry.x = tonumber(ARGV[5]) or now
  if ARGV[6] == '1' then entry.g = 1 end
  write(ARGV[4], entry)
end
