-- Puts an item on its queue, with its ticket, and wakes the workers. `front` puts it at the head, where it was taken.
-- An empty list has no tickets: those left over belong to items that somebody else's worker took.
-- @include tickets
local function push(queue, item, id, front)
  local list, tickets = key.queue(queue), key.tickets(queue)
  if redis.call('EXISTS', list) == 0 then redis.call('UNLINK', tickets) end
  redis.call('SADD', key.queues(), queue)
  redis.call(front and 'LPUSH' or 'RPUSH', list, item)
  if id then put_ticket(tickets, ticket_field(item), id, front) end
  redis.call('PUBLISH', key.wake(), queue)
end
