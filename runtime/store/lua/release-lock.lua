-- Gives up resque-scheduler's master lock if it is ours, and tells those who wait for it.
-- @args owner
-- @reply 1 when it was ours
if redis.call('GET', key.schedulerLock()) ~= owner then return 0 end
redis.call('DEL', key.schedulerLock())
redis.call('PUBLISH', key.wakeSchedule(), '')
return 1
