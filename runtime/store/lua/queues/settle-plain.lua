-- settle.lua for good ends of jobs that are no steps and hold no concurrency slots, several in one call. Each end is fenced and
-- recorded by itself; nothing is written for one that is not of this kind, or whose keys are of another type.
-- @include lease record archive
-- @args supervisor
-- @rest ends
-- `ends` repeats: worker, id, delivery, now, ttlMs, whether it may have a log (1 or 0), how many fields of the record follow, and those.
-- @reply for each: 'ok' | 'lost' when the job is no longer this supervisor's | 'other' when settle.lua must record the end
local records_read = { 'item', 'step', unpack(archive_names) }
records_read[#records_read + 1] = 'permits'
records_read[#records_read + 1] = 'unique'
records_read[#records_read + 1] = 'shown'

local function read_ends()
  local list, at = {}, 1
  while ends[at] do
    local last = at + 6 + 2 * tonumber(ends[at + 6])
    list[#list + 1] = { worker = ends[at], id = ends[at + 1], delivery = ends[at + 2], now = ends[at + 3], ttl_ms = ends[at + 4],
      may_have_log = ends[at + 5] == '1', from = at + 7, to = last }
    at = last + 1
  end
  return list
end

-- Whether an end can be recorded here; reads only.
local function answer(done, held)
  local row = redis.pcall('HMGET', key.job(done.id), unpack(records_read))
  if row.err or row[2] or not row[1] or row[#records_read - 2] then return 'other' end
  if not held or string.match(held, '^%d+') ~= done.delivery then return 'lost' end
  if row[#records_read] == done.delivery then
    local mark = redis.pcall('GET', key.worker(done.worker))
    -- It is gone before its time.
    if type(mark) ~= 'string' then return 'other' end
    -- An end may be recorded after its slot has taken the next job: then the mark is that one's.
    done.owns_mark = string.sub(mark, -#row[1] - 1) == row[1] .. '}'
  end
  done.row, done.lock = row, row[#records_read - 1]
  return 'ok'
end

local function record(done, is_archived)
  redis.pcall('INCR', key.statProcessedOf(done.worker))
  if done.owns_mark then redis.call('DEL', key.worker(done.worker)) end
  if done.lock then drop_lock(done.id) end
  redis.call('HSET', key.job(done.id), 'state', 'done', 'ended_at', done.now, unpack(ends, done.from, done.to))
  if is_archived then
    local written = { state = 'done', ended_at = done.now }
    for i = done.from, done.to, 2 do written[ends[i]] = ends[i + 1] end
    pcall(archive_job, done.id, done.row, written, done.may_have_log)
  end
  redis.call('PEXPIRE', key.job(done.id), done.ttl_ms)
  if done.may_have_log then redis.pcall('PEXPIRE', key.log(done.id), done.ttl_ms) end
  redis.pcall('PUBLISH', key.ended(done.id), 'done')
end

local list, replies, ids, seen, good = read_ends(), {}, {}, {}, {}
for i, done in ipairs(list) do ids[i] = done.id end
local held, is_owner = redis.call('HMGET', key.inflight(supervisor), unpack(ids)), owns_lease(supervisor)
for i, done in ipairs(list) do
  replies[i] = answer(done, is_owner and not seen[done.id] and held[i])
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
for _, done in ipairs(good) do record(done, is_known and bound > 0) end
redis.pcall('INCRBY', key.statProcessed(), #good)
if is_known and bound > 0 then pcall(archive_trim, bound, keep) end
return replies
