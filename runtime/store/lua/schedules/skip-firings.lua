-- Accounts for fire times that do not fire: they were missed, or would overlap, or must wait for the run before.
-- `slot` is the last of them, `count` how many; `reason` '' when nothing is to be reported. `wait` is 1 to let `slot` wait.
-- @include firing-cursor types
-- @args lockPrefix owner name slot next count reason note wait
-- @reply 'ok' | 'lost' | 'stale'
if redis.call('GET', key.schedulerLock(lockPrefix)) ~= owner then return 'lost' end
if not is_next(name, slot) then return 'stale' end
check('schedule', name)
check('missedFirings')
check('waitingFirings', name)
advance(name, slot, next)
if reason ~= '' then note_missed(name, count, slot, reason, note) end
if wait == '1' then
  redis.call('RPUSH', key.waitingFirings(name), slot)
  redis.call('EXPIRE', key.waitingFirings(name), 34560000)
end
return 'ok'
