-- Removes entries of the failed list in one step (Ruby needs two, and shows a blank between them), in one pass through the
-- list. An entry that is no longer at its index stays. At most a hundred entries a call (promise 13).
-- @rest entries
-- `entries` repeats: index, SHA-1
-- @reply how many were removed
local length, marked, lowest, highest = redis.call('LLEN', key.failed()), 0, math.huge, 0
for i = 1, #entries, 2 do
  local index = tonumber(entries[i])
  local entry = redis.call('LINDEX', key.failed(), index)
  if entry and redis.sha1hex(entry) == entries[i + 1] then
    redis.call('LSET', key.failed(), index, '')
    marked, lowest, highest = marked + 1, math.min(lowest, index), math.max(highest, index)
  end
end
if marked == 0 then return 0 end
redis.call('LREM', key.failed(), length - lowest < highest and -marked or marked, '')
return marked
