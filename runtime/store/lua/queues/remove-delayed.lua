-- Removes one copy of an item from one delayed bucket; the job whose ID lies with it ends as cancelled.
-- @include delay settled
-- @args second item now ttlMs
-- @reply how many items went, 0 or 1
check_bucket(second, item)
local bucket = key.delayedBucket(second)
if redis.call('LREM', bucket, 1, item) == 0 then return 0 end
local id = next_id(key.delayedIdsByPayload(second), payload_field(item))
if id then finish(id, 'cancelled', now, ttlMs) end
if not redis.call('LPOS', bucket, item) then redis.call('SREM', key.delayedTimestamps(item), 'delayed:' .. second) end
if redis.call('EXISTS', bucket) == 0 then redis.call('ZREM', key.delayedSchedule(), second) end
return 1
