-- Removes runs whose time to live is over, a few at a time (promise 12).
-- @include run-keys
-- @args now
-- @reply how many were removed
local due = redis.call('ZRANGEBYSCORE', key.runsExpiring(), '-inf', now, 'LIMIT', 0, 20)
local removed = 0
for _, id in ipairs(due) do
  -- A run whose record is none goes without it.
  if wrong('run', id) then redis.call('UNLINK', key.run(id)) end
  remove_run(id)
  removed = removed + 1
end
return removed
