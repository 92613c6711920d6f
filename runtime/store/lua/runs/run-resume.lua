-- Sets a failed or stopped run going again: its failed nodes, and what a stop held back. Finished ones stay finished.
-- @include run-flush
-- @args id now
-- @reply 'ok' | 'gone' | 'not ended' and its status | 'overlap' and the id of the run in the way
check_run(id)
local run = run_of(id, now)
if not run then return { 'gone' } end
if run.status ~= 'failed' and run.status ~= 'stopped' then return { 'not ended', run.status } end
if not claim_unique(run) then return { 'overlap', redis.call('GET', key.runUnique(run.unique)) } end
if redis.call('HLEN', key.runFailed(id)) > 0 and redis.call('EXISTS', key.runRetrying(id)) == 0 then
  redis.call('RENAME', key.runFailed(id), key.runRetrying(id))
end
local begun = redis.call('HGET', key.run(id), 'started_at')
run_status(run, 'running')
if not begun then
  redis.call('HSET', key.run(id), 'started_at', now)
  leave(run, 'roots', 0)
end
leave(run, 'resume')
run_flush(run)
return { 'ok' }
