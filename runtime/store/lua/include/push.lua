-- Puts an item on its queue, with its ticket, and wakes the workers. `front` puts it at the head, where it was taken.
-- An empty list has no tickets: those left over belong to items that somebody else's worker took.
-- Here and elsewhere a message that Redis refuses (a user without channels) must not undo in the caller's eyes what is
-- written by then: whoever listens also polls.
-- @include tickets
local function push(queue, item, id, front)
  local list, tickets = key.queue(queue), key.tickets(queue)
  if redis.call('EXISTS', list) == 0 then redis.call('UNLINK', tickets) end
  -- First, since it is refused where the key is no list.
  redis.call(front and 'LPUSH' or 'RPUSH', list, item)
  redis.call('SADD', key.queues(), queue)
  if id then put_ticket(tickets, ticket_field(item), id, front) end
  redis.pcall('PUBLISH', key.wake(), queue)
end

-- Puts a job that waited for a permit at the head of its queue, but behind those that came there like this a moment ago
-- and are not taken yet: they keep their turn among one another.
local function push_in_turn(queue, item, id)
  local list = key.queue(queue)
  local last = redis.call('HGET', key.heldBack(), queue)
  local before = last and redis.call('HGET', key.job(last), 'item')
  redis.call('HSET', key.heldBack(), queue, id)
  if not before or not redis.call('LPOS', list, before, 'MAXLEN', 100) then return push(queue, item, id, true) end
  redis.call('LINSERT', list, 'AFTER', before, item)
  put_ticket(key.tickets(queue), ticket_field(item), id)
  redis.pcall('PUBLISH', key.wake(), queue)
end
