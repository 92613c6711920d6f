-- Moves jobs that are due from the millisecond set to their queues, oldest first. Safe from any number of processes.
-- @include push
-- @args now batch ttlMs
-- @reply {jobs moved, due ms of the next one or ''}
local moved, bytes = 0, 0
local due = redis.call('ZRANGEBYSCORE', key.delayed(), '-inf', now, 'LIMIT', 0, batch)
for _, id in ipairs(due) do
  if bytes > 262144 then break end
  local record = key.job(id)
  local state, queue, item = unpack(redis.call('HMGET', record, 'state', 'queue', 'item'))
  redis.call('ZREM', key.delayed(), id)
  if state == 'delayed' and item then
    push(queue, item, id)
    redis.call('HSET', record, 'state', 'waiting')
    redis.call('PEXPIRE', record, ttlMs)
    moved = moved + 1
    bytes = bytes + #item
  end
end
return { moved, redis.call('ZRANGE', key.delayed(), 0, 0, 'WITHSCORES')[2] or '' }
