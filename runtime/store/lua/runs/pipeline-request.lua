-- Writes a run request, pending, unless there is one with its id; the oldest beyond `max` go.
-- @include types
-- @args id now max ttlMs
-- @rest fields
-- @reply 'ok' | 'known'
check('pipelineRequests')
check('pipelinePending')
if redis.call('EXISTS', key.pipelineRequest(id)) == 1 then return 'known' end
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
