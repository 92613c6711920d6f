-- Cancels a job that does not run: it leaves its queue, the set of delayed jobs, or the line of a limit. A running one is left to its
-- supervisor, whose id cannot be known here, so all of them are told. `byStop` is 1 when its run was stopped: the step is
-- then held for a continue, also for one that comes before its job has ended; 0 when the job itself is meant.
-- @include ids-by-payload types settled delay delayed-item run-step
-- @args id now ttlMs byStop
-- @reply 'cancelled' | 'running' | 'unknown' (also when it was cancelled before) | the state it had ended in
local record = key.job(id)
local state, queue, item, second, bucket_item, line =
  unpack(redis.call('HMGET', record, 'state', 'queue', 'item', 'second', 'bucket_item', 'held_by'))
if not state then return 'unknown' end
-- A record that has lost them is on no queue.
queue, item = queue or '', item or ''
local step = redis.call('HGET', record, 'step')
if step then check_run(string.match(step, '^%S+')) end
check('idsByPayload', queue)
if state == 'waiting' or bucket_item then check('queue', queue) end
if state == 'delayed' or state == 'held' then
  check('delayed')
  check('held', line or '')
  if second then check_bucket(second, bucket_item or '') end
end
if byStop == '1' and redis.call('HEXISTS', record, 'cancel_asked_at') == 0 then
  redis.call('HSET', record, 'stopped', 1)
elseif byStop ~= '1' then
  redis.call('HDEL', record, 'stopped')
end
if state == 'running' then
  redis.call('HSET', record, 'cancel_asked_at', now)
  redis.pcall('PUBLISH', key.control(), 'cancel ' .. id)
  return 'running'
end
if state == 'delayed' then
  if not second then
    redis.call('ZREM', key.delayed(), id)
  elseif not leave_bucket(id, second, bucket_item) then
    -- Ruby's scheduler, which knows no ids, has moved it to its queue; or a worker has it by now.
    item = bucket_item and read_delayed(bucket_item)
    if not item or redis.call('LREM', key.queue(queue), -1, item) == 0 then return 'unknown' end
  end
elseif state == 'held' then
  redis.call('ZREM', key.delayed(), id)
  redis.call('ZREM', key.held(line or ''), id)
elseif state == 'waiting' then
  -- Not there: a worker that knows no ids, such as Ruby's, has taken it.
  if redis.call('LREM', key.queue(queue), -1, item) == 0 then return 'unknown' end
else
  return state == 'cancelled' and 'unknown' or state
end
if step then run_step_end(step, id, 'cancelled', now, '', {}) end
finish(id, 'cancelled', now, ttlMs)
-- Its ID is skipped when the item is reserved; when it is the only one of these bytes it goes at once.
local ids_by_payload, field = key.idsByPayload(queue), payload_field(item or '')
if redis.call('HGET', ids_by_payload, field) == id then redis.call('HDEL', ids_by_payload, field) end
return 'cancelled'
