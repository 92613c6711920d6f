-- Puts a failed entry's job back on its queue and marks the entry, in one step. The entry is named by index and by its
-- SHA-1, since indexes shift when somebody removes another, and since the mark changes it: of two retries at once one wins.
-- `item` '' only marks: a workflow step is put back by its run. `id` is the job's that failed, '' where the entry has none:
-- the options of its call are kept as long as its record is. Its unique lock is not: it may be another's by now.
-- @include push failed-mark
-- @args index digest id queue item retriedAt newId now ttlMs
-- @reply 'ok' | 'changed'
local entry = redis.call('LINDEX', key.failed(), index)
if not entry or redis.sha1hex(entry) ~= digest then return 'changed' end
if item ~= '' then
  local options = id ~= '' and not wrong('job', id) and redis.call('HGET', key.job(id), 'options')
  check('job', newId)
  check('queue', queue)
  push(queue, item, newId)
  redis.call('HSET', key.job(newId), 'queue', queue, 'item', item, 'state', 'waiting', 'enqueued_at', now)
  if options then redis.call('HSET', key.job(newId), 'options', options) end
  redis.call('PEXPIRE', key.job(newId), ttlMs)
end
redis.call('LSET', key.failed(), index, marked(entry, retriedAt))
return 'ok'
