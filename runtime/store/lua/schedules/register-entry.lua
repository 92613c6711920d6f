-- Notes that schedulers see an entry, when they first did, and whether it is off (paused or disabled). What lies before
-- an entry was switched on is not missed. The cursor is set back when it lies too far in the future to have been a small
-- step of the clock: `latest` is the latest that is believed. `enabled` is what the schedule says, 1 or 0.
-- `timing` says when it fires. An entry whose timing has changed starts over: by its new times nothing was missed, and
-- its firings are counted from here.
-- @args name now latest enabled timing
-- @reply {1 when it is off, the fields of its record}
local state = key.schedule(name)
local before = redis.call('HGET', state, 'timing')
if before and before ~= timing then redis.call('HDEL', state, 'since', 'cursor', 'slot', 'fired', 'next') end
redis.call('HSET', state, 'timing', timing)
local since, cursor, slot, paused, switched = unpack(redis.call('HMGET', state, 'since', 'cursor', 'slot', 'paused', 'enabled'))
if not since or tonumber(since) > tonumber(latest) then redis.call('HSET', state, 'since', now) end
local off = paused == '1' or (switched or enabled) == '0'
local was_off = redis.call('HDEL', state, 'off') == 1
if not cursor or tonumber(cursor) > tonumber(latest) or was_off then
  -- A fire time that is this very moment (`first: now`) is still to come.
  redis.call('HSET', state, 'cursor', tonumber(now) - 1)
end
if slot and tonumber(slot) > tonumber(latest) then redis.call('HDEL', state, 'slot') end
if off then redis.call('HSET', state, 'off', 1) end
redis.call('EXPIRE', state, 34560000)
return { off and 1 or 0, redis.call('HGETALL', state) }
