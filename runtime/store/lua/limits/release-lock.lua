-- Gives up resque-scheduler's master lock if it is ours, and tells those who wait for it.
-- @args lockPrefix owner
-- @reply 1 when it was ours
if redis.call('GET', key.schedulerLock(lockPrefix)) ~= owner then return 0 end
redis.call('DEL', key.schedulerLock(lockPrefix))
redis.pcall('PUBLISH', key.wakeSchedule(), '')
return 1
