-- Puts a job on its queue that has left the place where it was delayed.
-- @include push record
local function queue_delayed(id, class, queue, item, now, ttl_ms)
  redis.call('HSETNX', key.job(id), 'enqueued_at', now)
  redis.call('HSET', key.job(id), 'class', class, 'queue', queue, 'item', item, 'state', 'waiting')
  redis.call('HDEL', key.job(id), 'second', 'bucket_item', 'due_at')
  expire_record(id, ttl_ms)
  push(queue, item, id)
end
