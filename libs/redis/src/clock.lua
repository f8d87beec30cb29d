-- Prepended to every script. Returns the given time (tests pass a time), or the time of Redis, in ms since the epoch.
local function clock(given)
  local own = given and tonumber(given)
  if own then return own end
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

