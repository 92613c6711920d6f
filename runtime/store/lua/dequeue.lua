-- Removes every queue item with exactly these bytes, and ends the jobs whose tickets lie with them as cancelled.
-- @include tickets settled
-- @args queue item now ttlMs
-- @reply how many items went
local removed = redis.call('LREM', key.queue(queue), 0, item)
if removed > 0 then
  local tickets, field = key.tickets(queue), ticket_field(item)
  local id = next_ticket(tickets, field)
  while id do
    finish(id, 'cancelled', now, ttlMs)
    id = next_ticket(tickets, field)
  end
end
return removed
