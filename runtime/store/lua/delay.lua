-- Makes new jobs wait, each with its record, and takes their unique locks. One that is due already goes to its queue.
-- Promise 14: refused or written whole. A batch is at most a hundred jobs (promise 13).
-- @include push delay
-- @args now ttlMs
-- @rest jobs
-- `jobs` repeats: id, class, item, options (JSON or ''), unique key (or ''), unique time in ms, queue, due ms, second
-- (0 for the millisecond set), the bucket's form of the item (or '')
-- @reply one element a job: 'ok', or the id of the job that holds the unique lock
local replies = {}
for i = 1, #jobs, 10 do
  local id, class, item, options, lock, lockMs, queue, due, second, bucket_item = unpack(jobs, i, i + 9)
  local holder = lock ~= '' and not redis.call('SET', key.unique(lock), id, 'NX', 'PX', lockMs) and redis.call('GET', key.unique(lock))
  if holder then
    replies[#replies + 1] = holder
  else
    redis.call('HSET', key.job(id), 'class', class, 'enqueued_at', now)
    if options ~= '' then redis.call('HSET', key.job(id), 'options', options) end
    if lock ~= '' then redis.call('HSET', key.job(id), 'unique', lock) end
    if tonumber(due) <= tonumber(now) then
      redis.call('HSET', key.job(id), 'queue', queue, 'item', item, 'state', 'waiting')
      redis.call('PEXPIRE', key.job(id), ttlMs)
      push(queue, item, id)
    else
      delay(id, queue, item, due, second, bucket_item, now, ttlMs)
    end
    replies[#replies + 1] = 'ok'
  end
end
return replies
