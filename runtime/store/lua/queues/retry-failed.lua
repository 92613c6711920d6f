-- Puts a failed entry's job back on its queue and marks the entry, in one step. The entry is named by index and by its
-- SHA-1, because indexes shift when another entry is removed. The mark changes the SHA-1, so only one of two simultaneous retries succeeds.
-- `item` '' only marks: a workflow step is put back by its run. `id` is the job's that failed, '' where the entry has none:
-- the options of its call are kept as long as its record is, and its unique lock is taken again, unless another job has it.
-- That record, while it is kept, names the new job: `retried_as`, `retried_at` (ms).
-- @include push failed-mark unique
-- `take` 1 removes the entry in the same step in place of marking it.
-- @args index digest id queue item retriedAt newId now ttlMs take
-- @reply 'ok' | 'changed' | 'held <id>' (another job holds the unique lock: nothing is written)
local entry = redis.call('LINDEX', key.failed(), index)
if not entry or redis.sha1hex(entry) ~= digest then return 'changed' end
if item ~= '' then
  local options, lock, lasts_ms, lasts_until = unpack(redis.pcall('HMGET', key.job(id), 'options', 'unique', 'unique_ms', 'unique_until'))
  check('job', newId)
  check('queue', queue)
  local holder = lock and take_lock(lock, newId, ttlMs)
  if holder then return 'held ' .. holder end
  push(queue, item, newId)
  redis.call('HSET', key.job(newId), 'queue', queue, 'item', item, 'state', 'waiting', 'enqueued_at', now,
    unpack(lock_fields(lock or '', lasts_ms or '', lasts_until or '')))
  if options then redis.call('HSET', key.job(newId), 'options', options) end
  expire_record(newId, ttlMs)
  if redis.pcall('HEXISTS', key.job(id), 'state') == 1 then redis.call('HSET', key.job(id), 'retried_as', newId, 'retried_at', now) end
end
if tonumber(take) == 1 then
  redis.call('LSET', key.failed(), index, '')
  redis.call('LREM', key.failed(), tonumber(index) > redis.call('LLEN', key.failed()) / 2 and -1 or 1, '')
else
  redis.call('LSET', key.failed(), index, marked(entry, retriedAt))
end
return 'ok'
