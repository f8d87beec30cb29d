-- Ends the waiting of a delivery. ARGV 3 as in park.lua. Answer: {"1"} when a socket came back and took it, else {""}.
for _, line in ipairs(redis.call('LRANGE', KEYS[2], 0, -1)) do
  local one = waiting(line)
  if one.id == ARGV[3] then
    redis.call('LREM', KEYS[2], 1, line)
    return { one.taken and '1' or '' }
  end
end
return { '' }
