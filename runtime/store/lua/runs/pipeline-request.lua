-- Writes a run request, pending; the oldest beyond `max` go.
-- @include types
-- @args id now max ttlMs
-- @rest fields
-- @reply 'ok'
check('pipelineRequests')
check('pipelinePending')
redis.call('HSET', key.pipelineRequest(id), 'status', 'Pending', 'requested_at', now, unpack(fields))
redis.call('PEXPIRE', key.pipelineRequest(id), ttlMs)
redis.call('ZADD', key.pipelineRequests(), now, id)
redis.call('SADD', key.pipelinePending(), id)
for _, old in ipairs(redis.call('ZRANGE', key.pipelineRequests(), 0, -tonumber(max) - 1)) do
  redis.call('ZREM', key.pipelineRequests(), old)
  redis.call('SREM', key.pipelinePending(), old)
  redis.call('DEL', key.pipelineRequest(old))
end
return 'ok'
