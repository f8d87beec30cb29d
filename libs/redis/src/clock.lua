-- Put in front of every script. Answers the given time, or that of Redis where none is given, in ms since the epoch: tests give
-- a time.
local function clock(given)
  local own = given and tonumber(given)
  if own then return own end
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

