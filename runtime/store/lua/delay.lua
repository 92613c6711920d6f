-- Makes new jobs wait, each with its record, and takes their unique locks. One that is due already goes to its queue.
-- Promise 14: refused or written whole. A batch is at most a hundred jobs (promise 13).
-- @include push delay
-- @args now ttlMs
-- @rest jobs
-- `jobs` repeats: id, class, item, options (JSON or ''), unique key (or ''), unique time in ms, queue, due ms, second
-- (0 for the millisecond set), the bucket's form of the item (or '')
-- @reply one element a job: 'ok', or the id of the job that holds the unique lock
for i = 1, #jobs, 10 do
  local id, _, _, _, lock, _, queue, due, second, bucket_item = unpack(jobs, i, i + 9)
  check('job', id)
  check('unique', lock)
  if tonumber(due) <= tonumber(now) then check('queue', queue) else check_delay(second, bucket_item) end
end
local replies = {}
for i = 1, #jobs, 10 do
  local id, class, item, options, lock, lockMs, queue, due, second, bucket_item = unpack(jobs, i, i + 9)
  local holder = lock ~= '' and not redis.call('SET', key.unique(lock), id, 'NX', 'PX', lockMs) and redis.call('GET', key.unique(lock))
  if holder then
    replies[#replies + 1] = holder
  else
    local fields = { 'class', class, 'enqueued_at', now }
    for name, value in pairs({ options = options, unique = lock }) do
      if value ~= '' then
        fields[#fields + 1] = name
        fields[#fields + 1] = value
      end
    end
    if tonumber(due) <= tonumber(now) then
      redis.call('HSET', key.job(id), 'queue', queue, 'item', item, 'state', 'waiting', unpack(fields))
      redis.call('PEXPIRE', key.job(id), ttlMs)
      push(queue, item, id)
    else
      delay(id, queue, item, due, second, bucket_item, now, ttlMs, fields)
    end
    replies[#replies + 1] = 'ok'
  end
end
return replies
