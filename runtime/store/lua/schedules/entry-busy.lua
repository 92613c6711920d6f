-- Says whether the job of an entry's last firing is still to be done. One that a foreign worker has taken is no longer
-- in its queue, and its end cannot be seen: it counts as done.
-- @args name
-- @reply {'none' | 'busy' | 'ended' | 'unknown' (no job: a run), id or '', firings that wait}
local id = redis.call('HGET', key.schedule(name), 'job')
local waiting = redis.call('LLEN', key.waitingFirings(name))
if not id then return { 'none', '', waiting } end
local state, queue, item = unpack(redis.call('HMGET', key.job(id), 'state', 'queue', 'item'))
if not state then return { 'unknown', id, waiting } end
if state == 'waiting' then
  local list = key.queue(queue or '')
  local there = redis.call('LPOS', list, item or '', 'MAXLEN', 10000) or redis.call('LLEN', list) > 10000
  return { there and 'busy' or 'ended', id, waiting }
end
local busy = state == 'running' or state == 'delayed' or state == 'held'
return { busy and 'busy' or 'ended', id, waiting }
