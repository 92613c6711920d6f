-- Removes queue items with exactly these bytes from the head on, at most `max` a call (promise 13), and ends the jobs whose
-- tickets lie with them as cancelled. With the last item go the tickets of those that somebody else's worker took.
-- @include tickets settled
-- @args queue item max now ttlMs
-- @reply how many items went
local removed = redis.call('LREM', key.queue(queue), max, item)
if removed == 0 then return 0 end
local tickets, field = key.tickets(queue), ticket_field(item)
for _ = 1, tonumber(max) do
  local id = next_ticket(tickets, field)
  if not id then break end
  finish(id, 'cancelled', now, ttlMs)
end
return removed
