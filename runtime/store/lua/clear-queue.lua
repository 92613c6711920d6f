-- Removes a queue as Resque's remove_queue does, with the tickets of what waited in it.
-- @args queue
-- @reply how many jobs went
local count = redis.call('LLEN', key.queue(queue))
redis.call('SREM', key.queues(), queue)
redis.call('UNLINK', key.queue(queue), key.tickets(queue))
return count
