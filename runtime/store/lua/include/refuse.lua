-- Ends a delayed job that its queue does not take, since the queue's key is no list: the job has left where it waited by
-- then, and Redis takes no write back, so it goes to the failed list whole. Counts on the script's arguments `now`,
-- `failedAt`, `failedMax` and `ttlMs`.
-- @include settled payload run-step deaths
local function refuse(worker, queue, item, id, why)
  local text = 'queue ' .. queue .. ' takes no jobs: expected a list at its key, Redis says ' .. why
  fail('{"failed_at":"' .. failedAt .. '","payload":' .. payload_of(item) .. ',"exception":"NoQueueError","error":' .. cjson.encode(text) ..
    ',"backtrace":[],"worker":' .. cjson.encode(worker .. ':' .. queue) .. ',"queue":' .. cjson.encode(queue) ..
    (id and ',"id":' .. cjson.encode(id) or '') .. ',"cause":"no queue"}', failedMax)
  if not id then return end
  local record, error = key.job(id), cjson.encode({ name = 'NoQueueError', message = text })
  redis.call('HSET', record, 'cause', 'no queue', 'error', error)
  local step = usable_step(redis.call('HGET', record, 'step'))
  if step then run_step_end(step, id, 'failed', now, '', { error = error }) end
  finish(id, 'failed', now, ttlMs)
  note_death(id)
end
