-- Takes the jobs of a supervisor whose lease has run out, a batch at a time: each goes back to the head of its queue,
-- or, after too many redeliveries, to the failed list with the reason `worker lost` (promise 2). At-most-once jobs fail.
-- One whose queue takes no jobs fails as well: no worker holds it by then. One that cannot be taken, since a key of it is of
-- another type, stays in flight, and keeps no other waiting.
-- @include settled lease push run-step payload refuse
-- @args supervisor now failedAt maxRedeliveries failedMax ttlMs
-- @reply {'alive'} | {'more' | 'reclaimed' | 'stuck' (none of this batch can be taken), ids put back, ids failed, why one is stuck or ''}
if owns_lease(supervisor) then return { 'alive' } end
local back, failed, stuck = {}, {}, ''

-- Counted as failed on its worker and in the failed list. `error`: JSON of the error that its run is told.
local function lose(id, worker, at, times, text)
  fail('{"failed_at":"' .. failedAt .. '","payload":' .. payload_of(at[2] or '') ..
    ',"exception":"Resque::PruneDeadWorkerDirtyExit","error":' .. cjson.encode(text) .. ',"backtrace":[],"worker":' .. cjson.encode(worker) ..
    ',"queue":' .. cjson.encode(at[1] or '') .. ',"id":"' .. id .. '","cause":"worker lost","redeliveries":' .. (times - 1) .. '}', failedMax)
  count(worker, true)
  local error = cjson.encode({ name = 'WorkerLost', message = text })
  redis.call('HSET', key.job(id), 'cause', 'worker lost', 'error', error)
  if at[6] then run_step_end(at[6], id, 'failed', now, '', { error = error }) end
  finish(id, 'failed', now, ttlMs)
  note_death(id)
  failed[#failed + 1] = id
end

local function put_back(id, worker, at)
  redis.call('HINCRBY', key.job(id), 'attempt', -1)
  redis.call('HDEL', key.job(id), 'worker', 'run_at')
  redis.call('HSET', key.job(id), 'state', 'waiting')
  local why = wrong('queue', at[1])
  if why then
    refuse(string.match(worker, '^[^:]*:[^:]*') or worker, at[1], at[2], id, why)
    failed[#failed + 1] = id
    return
  end
  push(at[1], at[2], id, true)
  if at[6] then run_step_back(at[6], id, now, false) end
  keep_slots(id)
  back[#back + 1] = id
end

local function take(id, held)
  local delivery, worker = string.match(held, '^(%d+) (.*)$')
  -- What cannot be read must not stay in flight for ever.
  if not worker then delivery, worker = string.match(held, '^%d+'), supervisor end
  local record = key.job(id)
  local why = wrong('job', id) or wrong('failed')
  local at = why and {} or redis.call('HMGET', record, 'queue', 'item', 'delivery_mode', 'class', 'cancel_asked_at', 'step')
  if why then
    stuck = why
    return
  end
  at[6] = usable_step(at[6])
  let_go(supervisor, worker, id, delivery)
  local times = redis.call('HINCRBY', record, 'redeliveries', 1)
  if at[5] then
    if at[6] then run_step_end(at[6], id, 'cancelled', now, '', {}) end
    finish(id, 'cancelled', now, ttlMs)
  elseif not at[1] or not at[2] then
    lose(id, worker, at, times, 'The record of job ' .. id .. ' is gone from Redis, and its arguments with it')
  elseif times > tonumber(maxRedeliveries) or at[3] == 'at-most-once' then
    lose(id, worker, at, times, 'Worker ' .. worker .. ' did not gracefully exit while processing ' .. (at[4] or 'a job'))
  else
    put_back(id, worker, at)
  end
end

-- At random: a scan that begins again at 0 with each call finds nothing once the first buckets are empty.
local held = redis.call('HRANDFIELD', key.inflight(supervisor), 50, 'WITHVALUES')
local before = redis.call('HLEN', key.inflight(supervisor))
for i = 1, #held, 2 do take(held[i], held[i + 1]) end
local left = redis.call('HLEN', key.inflight(supervisor))
if left > 0 then return { left < before and 'more' or 'stuck', back, failed, stuck } end
local slots = not wrong('supervisor', supervisor) and redis.call('HGET', key.supervisor(supervisor), 'slots')
local good, workers = pcall(cjson.decode, slots)
for _, worker in ipairs(good and type(workers) == 'table' and workers or {}) do
  redis.pcall('SREM', key.workers(), worker)
  redis.call('DEL', key.worker(worker), key.workerStarted(worker), key.statProcessedOf(worker), key.statFailedOf(worker))
  redis.pcall('HDEL', key.heartbeats(), worker)
end
redis.pcall('LPUSH', key.lostSupervisors(), now .. ' ' .. supervisor)
redis.pcall('LTRIM', key.lostSupervisors(), 0, 99)
redis.pcall('PEXPIRE', key.lostSupervisors(), 86400000)
redis.call('DEL', key.supervisor(supervisor))
redis.call('ZREM', key.supervisors(), supervisor)
return { 'reclaimed', back, failed, stuck }
