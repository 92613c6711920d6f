-- Removes queue items with exactly these bytes from the head on, at most `max` a call (promise 13), and ends the jobs whose
-- ids lie with them as cancelled, a workflow's step with its node. With the last item go the ids of items that a foreign worker took.
-- @include ids-by-payload cancel-step
-- @args queue item max now ttlMs
-- @reply how many items went
check('idsByPayload', queue)
check_steps({ item })
local removed = redis.call('LREM', key.queue(queue), max, item)
if removed == 0 then return 0 end
local ids_by_payload, field = key.idsByPayload(queue), payload_field(item)
for n = 1, tonumber(max) do
  local id = next_id(ids_by_payload, field)
  if n <= removed then id = cancel_step(item, id, 'it was taken off its queue') end
  if id then finish(id, 'cancelled', now, ttlMs) end
end
return removed
