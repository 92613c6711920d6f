-- Ends of jobs that hold no concurrency slots and are no steps (unless the caller's `steps` records what a step's end does to its run), several in one
-- call. Each is fenced and recorded by itself;
-- nothing is written for one that is not of this kind, or whose keys are of another type.
-- `ends`: JSON of an array; an end is an array of id, delivery, state, ttlMs (text), whether it may have a log, whether its item is too large for the
-- archive, the failed list's JSON where it failed (else ''), then names and values of further fields of the record.
-- @include lease record archive types
local ID, DELIVERY, STATE, TTL_MS, MAY_HAVE_LOG, IS_LARGE, ENTRY, FIELDS = 1, 2, 3, 4, 5, 6, 7, 8
-- What is read of a record: first those that `archive_names` begins with, in their order.
local ITEM, STEP, CLASS, QUEUE, ENQUEUED_AT, RUN_AT, ATTEMPT, PERMITS, UNIQUE, SHOWN = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10

-- A large item is read only where it is needed: to put it into a Lua string costs Redis a tenth of a millisecond for 100 kB.
local function read_row(done)
  local record = key.job(done[ID])
  local row = redis.pcall('HMGET', record, done[IS_LARGE] and 'state' or 'item', 'step', 'class', 'queue', 'enqueued_at', 'run_at', 'attempt', 'permits',
    'unique', 'shown')
  if not done[IS_LARGE] or row.err then return row end
  if row[SHOWN] or not row[CLASS] then
    row[ITEM] = redis.call('HGET', record, 'item')
  elseif row[ITEM] then
    row[ITEM], row.item_bytes = '', string.format('%d', redis.call('HSTRLEN', record, 'item'))
  end
  return row
end

-- Whether an end can be recorded here; reads only. With 'ok' come what was read, the worker, and whether Resque's record of the job in hand is its own.
local function answer_end(done, held, steps)
  local row = read_row(done)
  if row.err or not row[ITEM] or row[PERMITS] or row[STEP] and not (steps and steps.accepts(row[STEP])) then return 'other' end
  if done[ENTRY] ~= '' and wrong('failed') then return 'other' end
  local delivery, worker = string.match(held or '', '^(%d+) (.*)$')
  if delivery ~= done[DELIVERY] then return 'lost' end
  if row[SHOWN] ~= delivery then return 'ok', row, worker end
  local mark = redis.pcall('GET', key.worker(worker))
  -- It is gone before its time.
  if type(mark) ~= 'string' then return 'other' end
  -- An end may be recorded after its slot has taken the next job: then the mark is that one's.
  return 'ok', row, worker, string.sub(mark, -#row[ITEM] - 1) == row[ITEM] .. '}'
end

-- The same entry for nearly all jobs: first delivery, enqueued by this runtime, no log, nothing but its evidence to tell. It is
-- most of an end's script to put an entry together field by field.
local function archive_plain(done, row, worker, now)
  redis.call('XADD', key.archive(), '*', 'kind', 'job', 'id', done[ID], 'class', row[CLASS], 'queue', row[QUEUE], 'enqueued_at', row[ENQUEUED_AT],
    'run_at', row[RUN_AT], 'state', done[STATE], 'ended_at', now, 'worker', worker, 'evidence', done[FIELDS + 1], 'item', row[ITEM])
end

local function is_plain(done, row)
  return done[DELIVERY] == '1' and row[ATTEMPT] == '1' and row[CLASS] and row[QUEUE] and row[ENQUEUED_AT] and row[RUN_AT] and not row[STEP] and not row.item_bytes and not done[MAY_HAVE_LOG]
    and done[FIELDS] == 'evidence' and not done[FIELDS + 2] and #done[FIELDS + 1] <= FIELD_MAX
    and #row[ITEM] <= ARGS_MAX and not is_of_run(row[ITEM])
end

-- The row that was read becomes that of `archive_names`.
local function archive_end(done, row, worker, now)
  if is_plain(done, row) then return archive_plain(done, row, worker, now) end
  local places = archive_places()
  row[places.state], row[places.ended_at] = done[STATE], now
  row[places.worker], row[places.delivery] = worker, done[DELIVERY]
  -- Only what was taken before can have more.
  if done[DELIVERY] ~= '1' then
    local first = places.redeliveries
    local more = redis.call('HMGET', key.job(done[ID]), unpack(archive_names, first))
    for i, value in ipairs(more) do row[first + i - 1] = value end
  end
  for i = FIELDS, #done, 2 do
    local place = places[done[i]]
    if place then row[place] = done[i + 1] end
  end
  archive_job(done[ID], row, done[MAY_HAVE_LOG])
end

local function record_end(done, row, worker, owns_mark, now, is_archived)
  local id = done[ID]
  local record = key.job(id)
  if owns_mark then redis.call('DEL', key.worker(worker)) end
  if row[UNIQUE] then drop_lock(id) end
  redis.call('HSET', record, 'state', done[STATE], 'ended_at', now, unpack(done, FIELDS))
  if is_archived then pcall(archive_end, done, row, worker, now) end
  redis.call('PEXPIRE', record, done[TTL_MS])
  if done[MAY_HAVE_LOG] then redis.pcall('PEXPIRE', key.log(id), done[TTL_MS]) end
  redis.pcall('PUBLISH', key.ended(id), done[STATE])
end

local function record_failure(entry, worker, failed_max)
  redis.call('RPUSH', key.failed(), entry)
  redis.call('LTRIM', key.failed(), -failed_max, -1)
  redis.pcall('INCR', key.statFailed())
  redis.pcall('INCR', key.statFailedOf(worker))
end

-- Returns a word for each end: 'ok' | 'lost' when the job is no longer this supervisor's (promise 3) | 'other' when settle.lua must record the end |
-- what `steps.ended` says of a step's.
local function record_ends(supervisor, now, failed_max, ends, steps)
  local list, replies = ends ~= '' and cjson.decode(ends) or {}, {}
  if #list == 0 then return replies end
  local ids, seen, processed, good, places, rows, workers, owns_mark = {}, {}, {}, {}, {}, {}, {}, {}
  for i, done in ipairs(list) do ids[i] = done[ID] end
  local held, is_owner = redis.call('HMGET', key.inflight(supervisor), unpack(ids)), owns_lease(supervisor)
  for i, done in ipairs(list) do
    local id, reply, at = ids[i], nil, #good + 1
    reply, rows[at], workers[at], owns_mark[at] = answer_end(done, is_owner and not seen[id] and held[i], steps)
    replies[i] = reply
    if reply == 'ok' then
      seen[id], good[at], places[at], ids[at] = true, done, i, id
      processed[workers[at]] = (processed[workers[at]] or 0) + 1
    end
  end
  if #good == 0 then return replies end
  local is_known, bound, keep = pcall(archive_bound)
  local is_archived = is_known and bound > 0
  -- First, since it needs no memory: Redis then lets the script go on when its memory is full.
  redis.call('HDEL', key.inflight(supervisor), unpack(ids, 1, #good))
  for i, done in ipairs(good) do
    if done[ENTRY] ~= '' then record_failure(done[ENTRY], workers[i], failed_max) end
    local step = rows[i][STEP]
    if step then replies[places[i]] = steps.ended(places[i], done[ID], step) end
    record_end(done, rows[i], workers[i], owns_mark[i], now, is_archived)
  end
  for worker, count in pairs(processed) do redis.pcall('INCRBY', key.statProcessedOf(worker), count) end
  redis.pcall('INCRBY', key.statProcessed(), #good)
  if is_archived then pcall(archive_trim, bound, keep) end
  return replies
end
