-- Takes units from the bucket of an API key, which refills continuously and holds `burst` units when it is full.
--
-- KEYS  1 bucket  hash: units -> units left, negative for a debt; at -> the time of the last change, in ms
-- ARGV  1 clock in ms, or "" for Redis' own; 2 units added per second; 3 burst; 4 a cost above this number is admitted when the
--       bucket holds this number of units, and leaves a debt; 5... the costs, in order
-- Returns: the number of admitted costs, counted from the first; the whole units left; ms until the next cost can be admitted,
--       0 when all were admitted
local now = clock(ARGV[1])
local perMs, burst, most = ARGV[2] / 1000, tonumber(ARGV[3]), tonumber(ARGV[4])

local kept = redis.call('HMGET', KEYS[1], 'units', 'at')
local units = kept[1] and tonumber(kept[1]) or burst
local at = kept[2] and tonumber(kept[2]) or now
-- A clock that was set back adds no units.
units = math.min(burst, units + math.max(0, now - at) * perMs)

local admitted, waitMs = 0, 0
for index = 5, #ARGV do
  local cost = tonumber(ARGV[index])
  local needed = math.min(cost, most)
  -- 1e-6 units may be missing, because floating point does not represent fractions of a unit exactly.
  if units + 1e-6 < needed then
    waitMs = math.ceil((needed - units) / perMs - 1e-6)
    break
  end
  units = units - cost
  admitted = admitted + 1
end

redis.call('HSET', KEYS[1], 'units', string.format('%.6f', units), 'at', string.format('%d', now))
-- A missing Redis key means a full bucket, so the key expires 1 s after the bucket is full.
redis.call('PEXPIRE', KEYS[1], string.format('%d', math.ceil((burst - units) / perMs) + 1000))
return { admitted, math.floor(units), waitMs }
