-- Puts jobs on one queue, each with its record and ticket, and takes their unique locks.
-- Promise 14: refused or written whole. A batch is at most a hundred jobs (promise 13).
-- @include push
-- @args queue now ttlMs
-- @rest jobs
-- `jobs` repeats: id, class, item, options (JSON of per-call options or ''), unique key (or ''), unique time in ms
-- @reply one element a job: 'ok', or the id of the job that holds the unique lock
check('queue', queue)
for i = 1, #jobs, 6 do
  check('job', jobs[i])
  if jobs[i + 4] ~= '' then check('unique', jobs[i + 4]) end
end
local replies = {}
for i = 1, #jobs, 6 do
  local id, class, item, options, lock, lockMs = unpack(jobs, i, i + 5)
  local holder = lock ~= '' and not redis.call('SET', key.unique(lock), id, 'NX', 'PX', lockMs) and redis.call('GET', key.unique(lock))
  if holder then
    replies[#replies + 1] = holder
  else
    -- Before the push: when Redis's memory is full this write is refused, and with it the whole script.
    redis.call('HSET', key.job(id), 'class', class, 'queue', queue, 'item', item, 'state', 'waiting', 'enqueued_at', now)
    if options ~= '' then redis.call('HSET', key.job(id), 'options', options) end
    if lock ~= '' then redis.call('HSET', key.job(id), 'unique', lock) end
    redis.call('PEXPIRE', key.job(id), ttlMs)
    push(queue, item, id)
    replies[#replies + 1] = 'ok'
  end
end
return replies
