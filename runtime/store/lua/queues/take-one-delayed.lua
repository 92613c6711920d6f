-- Takes one copy of an item out of one delayed bucket. The job whose ID lies with it goes to its queue, as a new one where there is none; or, with a
-- blank `queue`, it ends as cancelled.
-- @include queue-delayed delay settled
-- @args second bucketItem queue class item newId now ttlMs
-- @reply how many copies were taken, 0 or 1
check_bucket(second, bucketItem)
if queue ~= '' then check('queue', queue) end
local bucket = key.delayedBucket(second)
if redis.call('LREM', bucket, 1, bucketItem) == 0 then return 0 end
local id = next_id(key.delayedIdsByPayload(second), payload_field(bucketItem))
if queue ~= '' then
  queue_delayed(id or newId, class, queue, item, now, ttlMs)
elseif id then
  finish(id, 'cancelled', now, ttlMs)
end
if not redis.call('LPOS', bucket, bucketItem) then redis.call('SREM', key.delayedTimestamps(bucketItem), 'delayed:' .. second) end
if redis.call('EXISTS', bucket) == 0 then redis.call('ZREM', key.delayedSchedule(), second) end
return 1
