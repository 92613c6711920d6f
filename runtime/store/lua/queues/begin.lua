-- Notes that the process of a delivery is about to start. With `once` 1 the delivery is the only one: whatever happens from
-- here on, the job is never put back (`delivery: 'at-most-once'`). A unique lock that lasts until the start is given up.
-- A supervisor that was frozen past its lease is refused, and must not start the job.
-- @include unique
-- @args supervisor id delivery once
-- @reply 'ok' | 'lost'
local mine = redis.call('HGET', key.inflight(supervisor), id)
if not owns_lease(supervisor) or not mine or string.match(mine, '^%d+') ~= delivery then return 'lost' end
if once == '1' then redis.call('HSET', key.job(id), 'delivery_mode', 'at-most-once') end
if redis.call('HGET', key.job(id), 'unique_until') == 'start' then drop_lock(id) end
return 'ok'
