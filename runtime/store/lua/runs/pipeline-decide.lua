-- Decides about a pending run request, once: its run starts in the same step, or the request is rejected with a reason.
-- Two runs of one instance never overlap: the engine's unique name of the run is the pipeline's and the instance's.
-- @include run-flush
-- @args request id now reason
-- @reply 'accepted' | 'rejected' | 'overlap' | 'decided' when it was decided before | 'gone'
local record = key.pipelineRequest(request)
local status = redis.call('HGET', record, 'status')
if not status then
  redis.call('SREM', key.pipelinePending(), request)
  return 'gone'
end
if status ~= 'Pending' then return 'decided' end

local function decide(word, why, ...)
  redis.call('HSET', record, 'status', word, 'decided_at', now, 'reason', why, ...)
  redis.call('SREM', key.pipelinePending(), request)
  redis.pcall('PUBLISH', key.ended(request), word)
end

check('pipelinePending')
if reason ~= '' then
  decide('Rejected', reason)
  return 'rejected'
end
check_run(id)
local pipeline = redis.call('HGET', record, 'pipeline')
if redis.call('HEXISTS', key.pipelines(), pipeline) == 0 then
  decide('Rejected', 'pipeline ' .. pipeline .. ' was removed')
  return 'rejected'
end
local run = run_of(id, now)
if not run or run.status ~= 'pending' then return 'gone' end
if not claim_unique(run) then
  local holder = redis.call('GET', key.runUnique(run.unique))
  decide('Rejected', 'this instance is running: run ' .. holder)
  return 'overlap'
end
decide('Accepted', '', 'run', id)
run_status(run, 'running')
redis.call('HSET', key.run(id), 'started_at', now)
leave(run, 'roots', 0)
run_flush(run)
return 'accepted'
