-- Removes runs whose time to live is over, a few at a time (promise 12).
-- @include run-keys
-- @args now
-- @reply how many were removed
local due = redis.call('ZRANGEBYSCORE', key.runsExpiring(), '-inf', now, 'LIMIT', 0, 20)
for _, id in ipairs(due) do remove_run(id) end
return #due
