-- Gives a run its time to live, counted from its end (or from now, when it does not run).
-- @include run-flush
-- @args id now ttlMs
-- @reply 'ok' | 'gone'
check_run(id)
local run = run_of(id, now)
if not run then return 'gone' end
redis.call('HSET', key.run(id), 'ttl_ms', ttlMs)
redis.call('ZREM', key.runsExpiring(), id)
if run.status ~= 'running' and tonumber(ttlMs) > 0 then
  redis.call('ZADD', key.runsExpiring(), run.now + tonumber(ttlMs), id)
end
return 'ok'
