-- Marks a delivery as the only one, just before its process starts: whatever happens from here on, the job is never put
-- back (`delivery: 'at-most-once'`). A supervisor that was frozen past its lease is refused, and must not start it.
-- @include lease
-- @args supervisor id delivery
-- @reply 'ok' | 'lost'
local mine = redis.call('HGET', key.inflight(supervisor), id)
if not owns_lease(supervisor) or not mine or string.match(mine, '^%d+') ~= delivery then return 'lost' end
redis.call('HSET', key.job(id), 'delivery_mode', 'at-most-once')
return 'ok'
