-- Ends a delivery without ending the job: puts it back at the head of its queue (`dueAt` 0), or makes it wait until
-- `dueAt` (ms). `counted` is 1 when the delivery was an attempt (a retry), 0 when it was not (snooze, shutdown). One that
-- somebody asked to cancel ends as cancelled instead.
-- @include settled lease push run-step
-- @args supervisor worker id delivery now dueAt counted fields ttlMs failedAt
-- @reply 'ok' | 'lost'
-- Read before anything is let go: what cannot be read must not leave a job without an end.
local written = cjson.decode(fields)
if not owns_lease(supervisor) or not let_go(supervisor, worker, id, delivery) then return 'lost' end
local record = key.job(id)
for field, value in pairs(written) do redis.call('HSET', record, field, value) end
if counted == '1' then count(worker, false) else redis.call('HINCRBY', record, 'attempt', -1) end
redis.call('HDEL', record, 'worker', 'run_at')
local step = redis.call('HGET', record, 'step')
if redis.call('HEXISTS', record, 'cancel_asked_at') == 1 then
  if step then run_step_end(step, id, 'cancelled', now, '', {}) end
  finish(id, 'cancelled', now, ttlMs)
  return 'ok'
end
if step then run_step_back(step, id, now, tonumber(dueAt) > 0, counted == '1', dueAt) end
if tonumber(dueAt) == 0 then
  local at = redis.call('HMGET', record, 'queue', 'item')
  redis.call('HSET', record, 'state', 'waiting')
  keep_permits(id)
  push(at[1], at[2], id, true)
else
  release(id)
  redis.call('HSET', record, 'state', 'delayed', 'due_at', dueAt)
  redis.call('ZADD', key.delayed(), dueAt, id)
  redis.pcall('PUBLISH', key.wakeDelayed(), dueAt)
end
return 'ok'
