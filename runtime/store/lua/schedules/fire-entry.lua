-- Fires an entry once for one fire time. A job (`item` not '') is queued in the same step, and takes its unique lock;
-- for anything else the firing is noted as `pending` until `start-entry` says that it has been started. `mode`: timed |
-- waited (its turn came after the run before) | asked (the leader was asked for it at `slot`) | manual (no fence:
-- a user fires it now).
-- @include push firing-cursor unique
-- @args lockPrefix owner name slot now lateMs next lastEnqueuedAt mode queue item options class id ttlMs unique uniqueMs uniqueUntil
-- @reply 'fired' | 'lost' (owner does not lead) | 'stale' (accounted for already) | 'off' (paused or disabled meanwhile)
--   | 'duplicate' (another job holds the unique lock: nothing is written)
local state, record = key.schedule(name), key.job(id)
local by_time = mode == 'timed' or mode == 'waited'
local function is_stale()
  if mode == 'waited' then return redis.call('LINDEX', key.waitingFirings(name), 0) ~= slot end
  if mode == 'asked' then return redis.call('HGET', state, 'asked') ~= slot end
  return mode == 'timed' and not is_next(name, slot)
end

if mode ~= 'manual' and redis.call('GET', key.schedulerLock(lockPrefix)) ~= owner then return 'lost' end
if is_stale() then return 'stale' end
local switches = redis.call('HMGET', state, 'paused', 'enabled')
local off = by_time and (switches[1] == '1' or switches[2] == '0')
check('schedule', name)
check('waitingFirings', name)
check('lastEnqueuedAt')
if item ~= '' then
  check('queue', queue)
  check('job', id)
  check('unique', unique)
end
if not off and unique ~= '' and take_lock(unique, id, ttlMs) then return 'duplicate' end
if mode == 'timed' then advance(name, slot, next) end
if mode == 'waited' then redis.call('LPOP', key.waitingFirings(name)) end
if mode == 'asked' then redis.call('HDEL', state, 'asked') end
if off then return 'off' end
if by_time then redis.call('HSET', state, 'slot', slot) end
redis.call('HSET', state, 'fired_at', now, 'late_ms', lateMs)
redis.call('HINCRBY', state, 'fired', 1)
redis.call('HSET', key.lastEnqueuedAt(), name, lastEnqueuedAt)
if item == '' then
  redis.call('HSET', state, 'pending', slot)
  return 'fired'
end
push(queue, item, id)
redis.call('HSET', record, 'class', class, 'queue', queue, 'item', item, 'state', 'waiting', 'enqueued_at', now, 'schedule', name,
  unpack(lock_fields(unique, uniqueMs, uniqueUntil)))
if options ~= '' then redis.call('HSET', record, 'options', options) end
expire_record(id, ttlMs)
redis.call('HSET', state, 'job', id)
return 'fired'
