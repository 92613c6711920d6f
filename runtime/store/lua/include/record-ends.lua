-- Ends of jobs that hold no concurrency slots and are no steps (unless the caller's `steps` records what a step's end does to its run), several in one call. Each is fenced and recorded by itself;
-- nothing is written for one that is not of this kind, or whose keys are of another type.
-- An end is: id, delivery, state, ttlMs, whether it may have a log (1 or 0), the failed list's JSON where it failed (else ''), how many
-- fields of the record follow, and those.
-- @include lease record archive types
local function read_ends(given, at)
  local list, count = {}, 0
  while given[at] do
    local last = at + 6 + 2 * given[at + 6]
    count = count + 1
    list[count] = { id = given[at], delivery = given[at + 1], at = at, last = last, row = false, worker = false, lock = false, owns_mark = false }
    at = last + 1
  end
  return list
end

-- Whether an end can be recorded here; reads only.
local function answer_end(done, held, entry, steps)
  local row = redis.pcall('HMGET', key.job(done.id), 'item', 'step', 'class', 'queue', 'enqueued_at', 'run_at', 'attempt', 'permits', 'unique', 'shown')
  if row.err or not row[1] or row[8] or row[2] and not (steps and steps.accepts(row[2])) then return 'other' end
  if entry ~= '' and wrong('failed') then return 'other' end
  local delivery, worker = string.match(held or '', '^(%d+) (.*)$')
  if delivery ~= done.delivery then return 'lost' end
  if row[10] == delivery then
    local mark = redis.pcall('GET', key.worker(worker))
    -- It is gone before its time.
    if type(mark) ~= 'string' then return 'other' end
    -- An end may be recorded after its slot has taken the next job: then the mark is that one's.
    done.owns_mark = string.sub(mark, -#row[1] - 1) == row[1] .. '}'
  end
  done.worker, done.row, done.lock = worker, row, row[9]
  return 'ok'
end

local row_of = { cause = 13, error = 14, evidence = 15, reason = 16, attempts = 17 }

-- The row that was read becomes that of `archive_names`.
local function archive_end(done, given, now, may_have_log)
  local row = done.row
  row[8], row[9], row[10], row[11] = given[done.at + 2], now, done.worker, done.delivery
  -- Only what was taken before can have more.
  if done.delivery ~= '1' then
    local more = redis.call('HMGET', key.job(done.id), 'redeliveries', 'cause', 'error', 'evidence', 'reason', 'attempts')
    for i = 1, 6 do row[11 + i] = more[i] end
  end
  for i = done.at + 7, done.last, 2 do
    local at = row_of[given[i]]
    if at then row[at] = given[i + 1] end
  end
  archive_job(done.id, row, may_have_log)
end

local function record_end(done, given, now, is_archived)
  local record, at = key.job(done.id), done.at
  local state, ttl_ms, may_have_log = given[at + 2], given[at + 3], given[at + 4] == '1'
  redis.pcall('INCR', key.statProcessedOf(done.worker))
  if done.owns_mark then redis.call('DEL', key.worker(done.worker)) end
  if done.lock then drop_lock(done.id) end
  redis.call('HSET', record, 'state', state, 'ended_at', now, unpack(given, at + 7, done.last))
  if is_archived then pcall(archive_end, done, given, now, may_have_log) end
  redis.call('PEXPIRE', record, ttl_ms)
  if may_have_log then redis.pcall('PEXPIRE', key.log(done.id), ttl_ms) end
  redis.pcall('PUBLISH', key.ended(done.id), state)
end

local function record_failure(entry, worker, failed_max)
  redis.call('RPUSH', key.failed(), entry)
  redis.call('LTRIM', key.failed(), -failed_max, -1)
  redis.pcall('INCR', key.statFailed())
  redis.pcall('INCR', key.statFailedOf(worker))
end

-- Records the ends that stand in `given` from `at` on. Returns a word for each: 'ok' | 'lost' when the job is no longer this
-- supervisor's (promise 3) | 'other' when settle.lua must record the end | what `steps.ended` says of a step's.
local function record_ends(supervisor, now, failed_max, given, at, steps)
  local list, replies, ids, seen, good = read_ends(given, at), {}, {}, {}, {}
  if #list == 0 then return replies end
  for i, done in ipairs(list) do ids[i] = done.id end
  local held, is_owner = redis.call('HMGET', key.inflight(supervisor), unpack(ids)), owns_lease(supervisor)
  for i, done in ipairs(list) do
    local reply = answer_end(done, is_owner and not seen[done.id] and held[i], given[done.at + 5], steps)
    done.place = i
    replies[i] = reply
    if reply == 'ok' then
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
    local entry = given[done.at + 5]
    if entry ~= '' then record_failure(entry, done.worker, failed_max) end
    if done.row[2] then replies[done.place] = steps.ended(done.place, done.id, done.row[2]) end
    record_end(done, given, now, is_known and bound > 0)
  end
  redis.pcall('INCRBY', key.statProcessed(), #good)
  if is_known and bound > 0 then pcall(archive_trim, bound, keep) end
  return replies
end
