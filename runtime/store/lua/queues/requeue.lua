-- Ends a delivery without ending the job: puts it back at the head of its queue (`dueAt` 0), or makes it wait until
-- `dueAt` (ms). `counted` is 1 when the delivery was an attempt (a retry), 0 when it was not (snooze, shutdown). One that
-- is to be cancelled ends as cancelled instead. So does one whose record has lost its queue or its arguments.
-- @include settled lease push run-step
-- @args supervisor worker id delivery now dueAt counted fields ttlMs failedAt
-- @reply 'ok' | 'lost'
-- Read before anything is let go: what cannot be read must not leave a job without an end.
local written, record = cjson.decode(fields), key.job(id)
local step, queue, item = unpack(redis.call('HMGET', record, 'step', 'queue', 'item'))
step = usable_step(step)
check('delayed')
-- A queue that takes no jobs: the job waits, and the mover of delayed jobs puts it on the failed list.
if item and queue and tonumber(dueAt) == 0 and wrong('queue', queue) then dueAt = now end
if not owns_lease(supervisor) or not let_go(supervisor, worker, id, delivery) then return 'lost' end
for field, value in pairs(written) do redis.call('HSET', record, field, value) end
if counted == '1' then count(worker, false) else redis.call('HINCRBY', record, 'attempt', -1) end
redis.call('HDEL', record, 'worker', 'run_at')
if redis.call('HEXISTS', record, 'cancel_asked_at') == 1 or not (item and queue) then
  if step then run_step_end(step, id, 'cancelled', now, '', {}) end
  finish(id, 'cancelled', now, ttlMs)
  return 'ok'
end
if step then run_step_back(step, id, now, tonumber(dueAt) > 0, counted == '1', dueAt) end
if tonumber(dueAt) == 0 then
  redis.call('HSET', record, 'state', 'waiting')
  keep_slots(id)
  push(queue, item, id, true)
else
  release_limits(id)
  redis.call('HSET', record, 'state', 'delayed', 'due_at', dueAt)
  redis.call('ZADD', key.delayed(), dueAt, id)
  redis.pcall('PUBLISH', key.wakeDelayed(), dueAt)
end
return 'ok'
