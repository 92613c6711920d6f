-- Puts a failed entry's job back on its queue and marks the entry, or removes it (`keep` 0), in one step. The entry is named by index and by its
-- SHA-1, because indexes shift when another entry is removed. The mark changes the SHA-1, so only one of two simultaneous retries succeeds.
-- `item` '' only marks: a workflow step is put back by its run. `id` is the job's that failed, '' where the entry has none:
-- the options of its call are kept as long as its record is, and its unique lock is taken again, unless another job has it.
-- @include push failed-mark unique
-- @args index digest id queue item retriedAt newId now ttlMs keep
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
end
if keep == '1' then
  redis.call('LSET', key.failed(), index, marked(entry, retriedAt))
else
  local from_tail = tonumber(index) > redis.call('LLEN', key.failed()) / 2
  redis.call('LSET', key.failed(), index, '')
  redis.call('LREM', key.failed(), from_tail and -1 or 1, '')
end
return 'ok'
