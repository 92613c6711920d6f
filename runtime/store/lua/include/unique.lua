-- Unique locks: `rt:unique:<key>` holds the id of its job, whose record names the key (`unique`). A lock lasts until its job
-- has ended (or started, where `unique_until` says so), however late that is: its key lives as long as the job's record.
-- A lock whose job is neither queued, delayed nor in flight is stale: a worker that knows no ids (Ruby's) has taken the job,
-- or it was removed. The next job takes such a lock over.
-- @include delayed-item lease record
-- @lazy take_lock is_held lock_fields
-- How many items of queues one script looks at (promise 13): 50,000 take about a millisecond.
local LOOKS_MAX = 50000
local looks_left = LOOKS_MAX

-- Whether an item is in its queue. In a queue that is too long to be looked through it is taken to be there for
-- `lasts_ms` from `since`; a script that has looked at enough for other jobs takes it to be there.
local function is_queued(queue, item, since, lasts_ms)
  local list = key.queue(queue)
  local length = redis.pcall('LLEN', list)
  if type(length) ~= 'number' then return false end
  local looks = math.min(length, looks_left)
  looks_left = looks_left - looks
  if looks > 0 and redis.call('LPOS', list, item, 'MAXLEN', looks) then return true end
  if looks == length then return false end
  return looks < LOOKS_MAX or since + lasts_ms > redis_ms()
end

local function is_held(id, lock)
  local state, named, queue, item, second, bucket_item, line, enqueued_at, due_at, lasts_ms = unpack(redis.pcall('HMGET', key.job(id),
    'state', 'unique', 'queue', 'item', 'second', 'bucket_item', 'held_by', 'enqueued_at', 'due_at', 'unique_ms'))
  if named ~= lock then return false end
  if state == 'running' then return true end
  if state == 'held' then
    return redis.call('ZSCORE', key.held(line or ''), id) or redis.call('ZSCORE', key.rateLine(line or ''), id) or redis.call('ZSCORE', key.delayed(), id)
  end
  if state == 'delayed' then
    if not second then return redis.call('ZSCORE', key.delayed(), id) end
    if not bucket_item or redis.call('SISMEMBER', key.delayedTimestamps(bucket_item), 'delayed:' .. second) == 1 then return true end
    -- Ruby's scheduler, which knows no ids, has moved it to its queue.
    item = read_delayed(bucket_item)
  elseif state ~= 'waiting' then
    return false
  end
  local since = math.max(tonumber(enqueued_at) or 0, tonumber(due_at) or 0)
  return queue and item and is_queued(queue, item, since, tonumber(lasts_ms) or 3600000)
end

-- Takes the lock for a job; where another job holds it, returns that one's id and changes nothing. `ttl_ms` is its record's.
local function take_lock(lock, id, ttl_ms)
  local holder = redis.call('GET', key.unique(lock))
  if holder and holder ~= id and is_held(holder, lock) then return holder end
  redis.call('SET', key.unique(lock), id, 'PX', ttl_ms)
end

-- The lock's fields of a record.
local function lock_fields(lock, lasts_ms, lasts_until)
  if lock == '' then return {} end
  return { 'unique', lock, 'unique_ms', lasts_ms, 'unique_until', lasts_until }
end
