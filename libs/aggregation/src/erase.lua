-- Removes an owner's windows from a batch, and deletes the batch when it is empty then.
--
-- KEYS  1 batches, 2 taken, 3 batch, 4 holders (see take.lua)
-- ARGV  1 batch id, 2 prefix of the keys of the owner's windows
-- Answer: how many windows were removed
local owner = ARGV[2]
local held = redis.call('LRANGE', KEYS[3], 1, -1)
local kept = {}
for at = 1, #held, 4 do
  if string.sub(held[at], 1, #owner) ~= owner then
    kept[#kept + 1] = { held[at], held[at + 1], held[at + 2], held[at + 3] }
  end
end
local erased = #held / 4 - #kept
if erased == 0 then
  return 0
end
local users = {}
for user in string.gmatch(redis.call('HGET', KEYS[4], 'users ' .. ARGV[1]) or '', '%S+') do
  if string.sub(user .. ':', 1, #owner) == owner then
    redis.call('HDEL', KEYS[4], user)
  else
    users[#users + 1] = user
  end
end
redis.call('HSET', KEYS[4], 'users ' .. ARGV[1], table.concat(users, ' '))
redis.call('LTRIM', KEYS[3], 0, 0)
for _, window in ipairs(kept) do
  redis.call('RPUSH', KEYS[3], unpack(window))
end
if #kept == 0 then
  redis.call('DEL', KEYS[3])
  redis.call('ZREM', KEYS[1], ARGV[1])
  redis.call('HDEL', KEYS[4], 'users ' .. ARGV[1], 'passed ' .. ARGV[1])
end
if redis.call('EXISTS', KEYS[1]) == 1 then
  redis.call('DECRBY', KEYS[2], erased)
else
  redis.call('DEL', KEYS[2], KEYS[4])
end
return erased
