-- Empties the mailbox of an open socket, for its client.
--
-- ARGV  3 connection id; 4 node; 5 opening; 6 "1" to wait no longer for the opening that the socket took over from
-- Returns {"taken"} if another opening has the id; {"wait"} while the previous opening has not returned its unconfirmed
--         deliveries; else {"", "1" if the socket missed something that is stored nowhere, each delivery in order}
local connection = ARGV[3]
local entry = entryOf(connection)
if not entry then return { '', '' } end
if not isOwn(entry, ARGV[4], ARGV[5]) then return { 'taken' } end
if entry.u and ARGV[6] ~= '1' then return { 'wait' } end
local answer = { '', (entry.g or entry.u) and '1' or '' }
for _, delivery in ipairs(empty(entry, true)) do answer[#answer + 1] = delivery end
entry.w, entry.u, entry.g = nil, nil, nil
write(connection, entry)
return answer
