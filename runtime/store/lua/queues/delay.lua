-- Makes new jobs wait, each with its record, and takes their unique locks. One that is due already goes to its queue.
-- Promise 14: refused or written whole. A batch is at most a hundred jobs (promise 13).
-- @include push delay unique
-- @args now ttlMs
-- @rest jobs
-- `jobs` repeats: id, class, item, options (JSON or ''), unique key (or ''), its `for` in ms, its `until`, queue, due
-- ms, second (0 for the millisecond set), the bucket's form of the item (or '')
-- @reply one element a job: 'ok', or the id of the job that holds the unique lock, its own where it was written before
for i = 1, #jobs, 11 do
  local id, _, _, _, lock, _, _, queue, due, second, bucket_item = unpack(jobs, i, i + 10)
  check('job', id)
  check('unique', lock)
  if tonumber(due) <= tonumber(now) then check('queue', queue) else check_delay(second, bucket_item) end
end
local replies = {}
for i = 1, #jobs, 11 do
  local id, class, item, options, lock, lasts_ms, lasts_until, queue, due, second, bucket_item = unpack(jobs, i, i + 10)
  -- An id whose record is there was enqueued before: the caller got no answer, and asks again.
  local holder = redis.call('EXISTS', key.job(id)) == 1 and id or lock ~= '' and take_lock(lock, id, ttlMs)
  if holder then
    replies[#replies + 1] = holder
  else
    local fields = lock_fields(lock, lasts_ms, lasts_until)
    for name, value in pairs({ class = class, enqueued_at = now, options = options }) do
      if value ~= '' then
        fields[#fields + 1] = name
        fields[#fields + 1] = value
      end
    end
    if tonumber(due) <= tonumber(now) then
      redis.call('HSET', key.job(id), 'queue', queue, 'item', item, 'state', 'waiting', unpack(fields))
      expire_record(id, ttlMs)
      push(queue, item, id)
    else
      delay(id, queue, item, due, second, bucket_item, now, ttlMs, fields)
    end
    replies[#replies + 1] = 'ok'
  end
end
return replies
