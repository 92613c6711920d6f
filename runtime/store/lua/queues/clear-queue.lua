-- Removes what waits in a queue, a batch a call (promise 13), and the queue itself when nothing is left. The jobs end as
-- cancelled, so that no unique lock, concurrency slot or run waits for them: a run's node fails, and a continue queues it again.
-- @include cancel-step
-- @args queue max now ttlMs
-- @reply how many items went
local ids_by_payload = key.idsByPayload(queue)
check('idsByPayload', queue)
check('queues')
check_steps(redis.call('LRANGE', key.queue(queue), 0, tonumber(max) - 1))

local items = redis.call('LPOP', key.queue(queue), max) or {}
for _, item in ipairs(items) do
  local id = cancel_step(item, next_id(ids_by_payload, payload_field(item)), 'its queue was removed')
  if id then finish(id, 'cancelled', now, ttlMs) end
end
if redis.call('EXISTS', key.queue(queue)) == 0 then
  redis.call('SREM', key.queues(), queue)
  redis.call('UNLINK', ids_by_payload)
end
return #items
