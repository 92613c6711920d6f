-- Counts the jobs of some of Resque's delayed lists: of `count` seconds, from the one of rank `from` on (promise 13).
-- @args from count
-- @reply {how many jobs, how many seconds were looked at}
local seconds = redis.call('ZRANGE', key.delayedSchedule(), from, from + count - 1)
local jobs = 0
for _, second in ipairs(seconds) do jobs = jobs + (tonumber(redis.pcall('LLEN', key.delayedBucket(second))) or 0) end
return { jobs, #seconds }
