-- Fires an entry once for one fire time. A job (`item` not '') is queued in the same step; for anything else the firing
-- is noted as `pending` until `start-entry` says that it has been started. `mode`: timed | waited (its turn came after
-- the run before) | manual (no fence: somebody asked for it now).
-- @include push entry
-- @args lockPrefix owner name slot now lateMs next lastEnqueuedAt mode queue item class id ttlMs
-- @reply 'fired' | 'lost' (owner does not lead) | 'stale' (accounted for already) | 'off' (paused or disabled meanwhile)
local state = key.schedule(name)
if mode ~= 'manual' then
  if redis.call('GET', key.schedulerLock(lockPrefix)) ~= owner then return 'lost' end
  if mode == 'waited' then
    if redis.call('LINDEX', key.waitingFirings(name), 0) ~= slot then return 'stale' end
    redis.call('LPOP', key.waitingFirings(name))
  elseif not is_next(name, slot) then
    return 'stale'
  end
  local switches = redis.call('HMGET', state, 'paused', 'enabled')
  if mode == 'timed' then advance(name, slot, next) end
  if switches[1] == '1' or switches[2] == '0' then return 'off' end
  redis.call('HSET', state, 'slot', slot)
end
redis.call('HSET', state, 'fired_at', now, 'late_ms', lateMs)
redis.call('HINCRBY', state, 'fired', 1)
redis.call('HSET', key.lastEnqueuedAt(), name, lastEnqueuedAt)
if item == '' then
  redis.call('HSET', state, 'pending', slot)
  return 'fired'
end
local record = key.job(id)
push(queue, item, id)
redis.call('HSET', record, 'class', class, 'queue', queue, 'item', item, 'state', 'waiting', 'enqueued_at', now, 'schedule', name)
redis.call('PEXPIRE', record, ttlMs)
redis.call('HSET', state, 'job', id)
return 'fired'
