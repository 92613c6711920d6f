-- Removes runs whose time to live is over, a few at a time (promise 12).
-- @include run-keys
-- @args now
-- @reply how many were removed
local due = redis.call('ZRANGEBYSCORE', key.runsExpiring(), '-inf', now, 'LIMIT', 0, 20)
for _, id in ipairs(due) do
  -- First: a run whose keys cannot be read must not be met again with each sweep.
  redis.call('ZREM', key.runsExpiring(), id)
  pcall(remove_run, id)
end
return #due
