-- Removes records that the archive has. Those that the bound had dropped while they were being written are not lost after all.
-- @include types
-- @args owner at
-- @rest entries
-- @reply how many are left
check('archive')
check('archiveTurn')
check('archiveSettings')
local removed = 0
for i = 1, #entries, 1000 do
  removed = removed + redis.call('XDEL', key.archive(), unpack(entries, i, math.min(i + 999, #entries)))
end
if redis.call('GET', key.archiveTurn()) == owner then
  local dropped = tonumber(redis.call('HGET', key.archiveSettings(), 'dropped') or 0)
  if removed < #entries and dropped > 0 then
    redis.call('HINCRBY', key.archiveSettings(), 'dropped', -math.min(dropped, #entries - removed))
  end
  redis.call('HINCRBY', key.archiveSettings(), 'taken', removed)
  redis.call('HSET', key.archiveSettings(), 'taken_at', at)
end
return redis.call('XLEN', key.archive())
