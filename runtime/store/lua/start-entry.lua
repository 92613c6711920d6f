-- Notes that a firing of a workflow, pipeline or template has been started as run `id`, or why it could not be.
-- @include entry
-- @args name slot id reason note
-- @reply 1
if id ~= '' then redis.call('HSET', key.schedule(name), 'job', id) end
if reason ~= '' then note_missed(name, 1, slot, reason, note) end
if redis.call('HGET', key.schedule(name), 'pending') == slot then redis.call('HDEL', key.schedule(name), 'pending') end
return 1
