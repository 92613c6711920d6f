-- Sets a pending run going: its roots are queued by run-continue, a batch at a time.
-- @include run-flush
-- @args id now
-- @reply 'ok' | 'gone' | 'not pending' and its status | 'overlap' and the id of the run in the way
check_run(id)
local run = run_of(id, now)
if not run then return { 'gone' } end
if run.status ~= 'pending' then return { 'not pending', run.status } end
if not claim_unique(run) then return { 'overlap', redis.call('GET', key.runUnique(run.unique)) } end
run_status(run, 'running')
redis.call('HSET', key.run(id), 'started_at', now)
leave(run, 'roots', 0)
run_flush(run)
return { 'ok' }
