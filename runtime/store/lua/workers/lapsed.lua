-- Names supervisors whose lease has run out, in Redis time, at most `count`, and says when the next of the others does.
-- @include lease
-- @args count
-- @reply {ms until the next lease runs out (0: there may be more of the dead) or '', id of a dead supervisor …}
local now = redis_ms()
local dead = redis.call('ZRANGEBYSCORE', key.supervisors(), '-inf', now, 'LIMIT', 0, count)
local next_end = redis.call('ZRANGEBYSCORE', key.supervisors(), '(' .. now, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2]
if #dead == tonumber(count) then return { 0, unpack(dead) } end
return { next_end and tonumber(next_end) - now or '', unpack(dead) }
