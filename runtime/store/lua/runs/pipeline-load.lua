-- Stores a pipeline under the next version number, unless the latest one is the same. Runs under way keep their own steps.
-- @include types
-- @args name definition kept
-- @reply {version, 'new' | 'same'}
check('pipeline', name)
local latest = tonumber(redis.call('HGET', key.pipelines(), name) or 0)
if latest > 0 and redis.call('HGET', key.pipeline(name), latest) == definition then return { latest, 'same' } end
local version = redis.call('HINCRBY', key.pipelines(), name, 1)
redis.call('HSET', key.pipeline(name), version, definition)
redis.call('HDEL', key.pipeline(name), version - tonumber(kept))
return { version, 'new' }
