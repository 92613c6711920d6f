-- Notes that a firing of a workflow, pipeline or template has been started as run `id`.
-- @args name slot id
-- @reply 1
redis.call('HSET', key.schedule(name), 'job', id)
if redis.call('HGET', key.schedule(name), 'pending') == slot then redis.call('HDEL', key.schedule(name), 'pending') end
return 1
