-- Ends of jobs that are no steps and hold no concurrency slots, several in one call. Each is fenced and recorded by itself;
-- nothing is written for one that is not of this kind, or whose keys are of another type.
-- An end is: id, delivery, state, ttlMs, whether it may have a log (1 or 0), the failed list's JSON where it failed (else ''), how many
-- fields of the record follow, and those.
-- @include lease record archive types
local records_read = { 'item', 'step', unpack(archive_names) }
records_read[#records_read + 1] = 'permits'
records_read[#records_read + 1] = 'unique'
records_read[#records_read + 1] = 'shown'

local function read_ends(given, at)
  local list = {}
  while given[at] do
    local last = at + 6 + 2 * tonumber(given[at + 6])
    list[#list + 1] = { id = given[at], delivery = given[at + 1], state = given[at + 2], ttl_ms = given[at + 3], may_have_log = given[at + 4] == '1',
      entry = given[at + 5], from = at + 7, to = last }
    at = last + 1
  end
  return list
end

-- Whether an end can be recorded here; reads only.
local function answer_end(done, held)
  local row = redis.pcall('HMGET', key.job(done.id), unpack(records_read))
  if row.err or row[2] or not row[1] or row[#records_read - 2] then return 'other' end
  if done.entry ~= '' and wrong('failed') then return 'other' end
  local delivery, worker = string.match(held or '', '^(%d+) (.*)$')
  if delivery ~= done.delivery then return 'lost' end
  if row[#records_read] == delivery then
    local mark = redis.pcall('GET', key.worker(worker))
    -- It is gone before its time.
    if type(mark) ~= 'string' then return 'other' end
    -- An end may be recorded after its slot has taken the next job: then the mark is that one's.
    done.owns_mark = string.sub(mark, -#row[1] - 1) == row[1] .. '}'
  end
  done.worker, done.row, done.lock = worker, row, row[#records_read - 1]
  return 'ok'
end

local function record_end(done, given, now, is_archived)
  redis.pcall('INCR', key.statProcessedOf(done.worker))
  if done.owns_mark then redis.call('DEL', key.worker(done.worker)) end
  if done.lock then drop_lock(done.id) end
  redis.call('HSET', key.job(done.id), 'state', done.state, 'ended_at', now, unpack(given, done.from, done.to))
  if is_archived then
    local written = { state = done.state, ended_at = now }
    for i = done.from, done.to, 2 do written[given[i]] = given[i + 1] end
    pcall(archive_job, done.id, done.row, written, done.may_have_log)
  end
  redis.call('PEXPIRE', key.job(done.id), done.ttl_ms)
  if done.may_have_log then redis.pcall('PEXPIRE', key.log(done.id), done.ttl_ms) end
  redis.pcall('PUBLISH', key.ended(done.id), done.state)
end

local function record_failure(done, failed_max)
  redis.call('RPUSH', key.failed(), done.entry)
  redis.call('LTRIM', key.failed(), -failed_max, -1)
  redis.pcall('INCR', key.statFailed())
  redis.pcall('INCR', key.statFailedOf(done.worker))
end

-- Records the ends that stand in `given` from `at` on. Returns a word for each: 'ok' | 'lost' when the job is no longer this
-- supervisor's (promise 3) | 'other' when settle.lua must record the end.
local function record_ends(supervisor, now, failed_max, given, at)
  local list, replies, ids, seen, good = read_ends(given, at), {}, {}, {}, {}
  if #list == 0 then return replies end
  for i, done in ipairs(list) do ids[i] = done.id end
  local held, is_owner = redis.call('HMGET', key.inflight(supervisor), unpack(ids)), owns_lease(supervisor)
  for i, done in ipairs(list) do
    replies[i] = answer_end(done, is_owner and not seen[done.id] and held[i])
    if replies[i] == 'ok' then
      seen[done.id] = true
      good[#good + 1] = done
      ids[#good] = done.id
    end
  end
  if #good == 0 then return replies end
  local is_known, bound, keep = pcall(archive_bound)
  -- First, since it needs no memory: Redis then lets the script go on when its memory is full.
  redis.call('HDEL', key.inflight(supervisor), unpack(ids, 1, #good))
  for _, done in ipairs(good) do
    if done.entry ~= '' then record_failure(done, failed_max) end
    record_end(done, given, now, is_known and bound > 0)
  end
  redis.pcall('INCRBY', key.statProcessed(), #good)
  if is_known and bound > 0 then pcall(archive_trim, bound, keep) end
  return replies
end
