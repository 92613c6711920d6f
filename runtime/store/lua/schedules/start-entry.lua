-- Follows the start of a firing's workflow, pipeline or template, or ends a firing that waits or was asked for, and
-- cannot be. `phase`: created (run `id` is there, and does not run
-- yet: after a crash it is started, and not created again), started, or refused (with the reason).
-- @include firing-cursor types
-- @args name slot phase id reason note
-- @reply 1
check('schedule', name)
check('missedFirings')
check('waitingFirings', name)
local state = key.schedule(name)
if phase == 'created' then
  redis.call('HSET', state, 'pending_run', id)
  return 1
end
if phase == 'started' then redis.call('HSET', state, 'job', id) else note_missed(name, 1, slot, reason, note) end
if redis.call('HGET', state, 'pending') == slot then redis.call('HDEL', state, 'pending', 'pending_run') end
if phase == 'refused' then
  if redis.call('HGET', state, 'asked') == slot then redis.call('HDEL', state, 'asked') end
  if redis.call('LINDEX', key.waitingFirings(name), 0) == slot then redis.call('LPOP', key.waitingFirings(name)) end
end
return 1
