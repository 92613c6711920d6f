-- Notes when schedulers first saw an entry, and sets its cursor back when it lies too far in the future to have been a
-- small step of the clock. `latest` is the latest cursor that is believed.
-- @args name now latest
-- @reply the fields of its record
local state = key.schedule(name)
redis.call('HSETNX', state, 'since', now)
local cursor = redis.call('HGET', state, 'cursor')
if not cursor or tonumber(cursor) > tonumber(latest) then redis.call('HSET', state, 'cursor', now) end
local slot = redis.call('HGET', state, 'slot')
if slot and tonumber(slot) > tonumber(latest) then redis.call('HDEL', state, 'slot') end
redis.call('EXPIRE', state, 34560000)
return redis.call('HGETALL', state)
