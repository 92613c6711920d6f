-- Puts jobs on one queue, each with its record and ticket, and takes their unique locks.
-- Promise 14: refused or written whole. A batch is at most a hundred jobs (promise 13).
-- @include push unique
-- @args queue now ttlMs
-- @rest jobs
-- `jobs` repeats: id, class, item, options (JSON of per-call options or ''), unique key (or ''), its `for` in ms, its
-- `until`
-- @reply one element a job: 'ok', or the id of the job that holds the unique lock, its own where it was written before
check('queue', queue)
local replies, placed = {}, 0
for i = 1, #jobs, 7 do
  check('job', jobs[i])
  if jobs[i + 4] ~= '' then check('unique', jobs[i + 4]) end
end
for i = 1, #jobs, 7 do
  local id, class, item, options, lock, lasts_ms, lasts_until = unpack(jobs, i, i + 6)
  -- An id whose record is there was enqueued before: the caller got no answer, and asks again.
  local holder = redis.call('EXISTS', key.job(id)) == 1 and id or lock ~= '' and take_lock(lock, id, ttlMs)
  if holder then
    replies[#replies + 1] = holder
  else
    local fields = lock == '' and {} or lock_fields(lock, lasts_ms, lasts_until)
    if options ~= '' then
      fields[#fields + 1] = 'options'
      fields[#fields + 1] = options
    end
    -- Before the push: when Redis's memory is full this write is refused, and with it the whole script.
    redis.call('HSET', key.job(id), 'class', class, 'queue', queue, 'item', item, 'state', 'waiting', 'enqueued_at', now, unpack(fields))
    redis.call('PEXPIRE', key.job(id), ttlMs)
    place(queue, item, id)
    placed = placed + 1
    replies[#replies + 1] = 'ok'
  end
end
if placed > 0 then wake_workers(queue, placed) end
return replies
