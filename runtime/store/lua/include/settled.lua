-- What every end of a delivery has in common: the in-flight record goes, and Resque's own marks with it.
-- Returns false when the job is no longer this supervisor's (promise 3): then nothing may be recorded.
-- Counts on the script's argument `failedAt`.
-- @include limit-slots archive dirty-exit
local function let_go(supervisor, worker, id, delivery)
  local held = redis.call('HGET', key.inflight(supervisor), id)
  if not held or string.match(held, '^%d+') ~= delivery then return false end
  redis.call('HDEL', key.inflight(supervisor), id)
  local item, shown = unpack(redis.call('HMGET', key.job(id), 'item', 'shown'))
  if shown ~= delivery then return true end
  item = item or ''
  -- An end may be recorded after its slot has taken the next job: then the mark is that one's.
  local mark = redis.pcall('GET', key.worker(worker))
  if type(mark) == 'string' and string.sub(mark, -#item - 1) ~= item .. '}' then return true end
  -- The mark is gone before its time: another worker, such as Ruby's, has taken this one for dead.
  if redis.call('DEL', key.worker(worker)) == 0 then mark_dirty_exit(worker, item, failedAt) end
  return true
end

local function count(worker, failed)
  redis.pcall('INCR', key.statProcessed())
  redis.pcall('INCR', key.statProcessedOf(worker))
  if failed then
    redis.pcall('INCR', key.statFailed())
    redis.pcall('INCR', key.statFailedOf(worker))
  end
end

-- A job's end: its record gets a time to live, its unique lock and its concurrency slots go, and those who wait are told.
-- `fields` are more fields of the record.
local function finish(id, state, now, ttlMs, fields)
  local record = key.job(id)
  local lock, asked = unpack(redis.call('HMGET', record, 'unique', 'permits'))
  if lock then drop_lock(id) end
  if asked then release_limits(id) else redis.call('HDEL', record, 'turn') end
  redis.call('HSET', record, 'state', state, 'ended_at', now, unpack(fields or {}))
  local _, logged = pcall(archive, id)
  redis.call('PEXPIRE', record, ttlMs)
  if logged ~= false then redis.call('PEXPIRE', key.log(id), ttlMs) end
  redis.pcall('PUBLISH', key.ended(id), state)
end

local function fail(entry, max)
  redis.call('RPUSH', key.failed(), entry)
  redis.call('LTRIM', key.failed(), -max, -1)
end
