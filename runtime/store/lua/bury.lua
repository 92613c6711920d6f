-- Takes the jobs of a supervisor whose lease has run out, a batch at a time: each goes back to the head of its queue,
-- or, after too many redeliveries, to the failed list with the reason `worker lost` (promise 2). At-most-once jobs fail.
-- One whose queue takes no jobs fails as well: it is in nobody's hands by then.
-- @include settled lease push run-step payload refuse
-- @args supervisor now failedAt maxRedeliveries failedMax ttlMs
-- @reply {'alive'} | {'more' | 'buried', ids put back, ids failed}
if owns_lease(supervisor) then return { 'alive' } end
local back, failed = {}, {}
-- At random: a scan that begins again at 0 with each call finds nothing once the first buckets are empty.
local held = redis.call('HRANDFIELD', key.inflight(supervisor), 50, 'WITHVALUES')
for i = 1, #held, 2 do
  local id = held[i]
  local delivery, worker = string.match(held[i + 1], '^(%d+) (.*)$')
  -- What cannot be read must not keep the rest here for ever.
  if not worker then delivery, worker = string.match(held[i + 1], '^%d+'), supervisor end
  local record = key.job(id)
  let_go(supervisor, worker, id, delivery)
  local at = { fields_of(id, 'queue', 'item', 'delivery_mode', 'class', 'cancel_asked_at') }
  local is_known = at[1] and at[2]
  local times = is_known and redis.call('HINCRBY', record, 'redeliveries', 1)
  if not is_known then
    failed[#failed + 1] = id
  elseif at[5] then
    local step = redis.call('HGET', record, 'step')
    if step then run_step_end(step, id, 'cancelled', now, '', {}) end
    finish(id, 'cancelled', now, ttlMs)
  elseif times > tonumber(maxRedeliveries) or at[3] == 'at-most-once' then
    local text = 'Worker ' .. worker .. ' did not gracefully exit while processing ' .. (at[4] or 'a job')
    fail('{"failed_at":"' .. failedAt .. '","payload":' .. payload_of(at[2]) ..
      ',"exception":"Resque::PruneDeadWorkerDirtyExit","error":' .. cjson.encode(text) .. ',"backtrace":[],"worker":' .. cjson.encode(worker) ..
      ',"queue":' .. cjson.encode(at[1]) .. ',"id":"' .. id .. '","cause":"worker lost","redeliveries":' .. (times - 1) .. '}', failedMax)
    count(worker, true)
    redis.call('HSET', record, 'cause', 'worker lost', 'error', cjson.encode({ name = 'WorkerLost', message = text }))
    local step = redis.call('HGET', record, 'step')
    if step then run_step_end(step, id, 'failed', now, '', { error = cjson.encode({ name = 'WorkerLost', message = text }) }) end
    finish(id, 'failed', now, ttlMs)
    failed[#failed + 1] = id
  else
    redis.call('HINCRBY', record, 'attempt', -1)
    redis.call('HDEL', record, 'worker', 'run_at')
    redis.call('HSET', record, 'state', 'waiting')
    local fine, why = pcall(push, at[1], at[2], id, true)
    if fine then
      local step = redis.call('HGET', record, 'step')
      if step then run_step_back(step, id, now, false) end
      keep_permits(id)
      back[#back + 1] = id
    else
      refuse(string.match(worker, '^[^:]*:[^:]*') or worker, at[1], at[2], id, type(why) == 'table' and why.err or why)
      failed[#failed + 1] = id
    end
  end
end
if redis.call('EXISTS', key.inflight(supervisor)) == 1 then return { 'more', back, failed } end
local slots = redis.call('HGET', key.supervisor(supervisor), 'slots')
local good, workers = pcall(cjson.decode, slots)
for _, worker in ipairs(good and type(workers) == 'table' and workers or {}) do
  redis.call('SREM', key.workers(), worker)
  redis.call('DEL', key.worker(worker), key.workerStarted(worker), key.statProcessedOf(worker), key.statFailedOf(worker))
  redis.call('HDEL', key.heartbeats(), worker)
end
redis.call('DEL', key.supervisor(supervisor))
redis.call('ZREM', key.supervisors(), supervisor)
return { 'buried', back, failed }
