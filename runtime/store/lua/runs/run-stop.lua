-- Stops a run: from this moment nothing of it is queued, what waits on a queue is dropped when it is taken, and the
-- jobs that run end as they will: whoever stops it cancels them. One step, whatever the run's size.
-- @include run-flush
-- @args id now
-- @reply 'ok' | 'gone' | 'ended' and its status
check_run(id)
local run = run_of(id, now)
if not run then return { 'gone' } end
if run.status ~= 'pending' and run.status ~= 'running' then return { 'ended', run.status } end
run_status(run, 'stopped')
run_flush(run)
redis.pcall('PUBLISH', key.ended(id), 'stopped')
return { 'ok' }
