-- What has ended is kept: one entry of one stream for each job, step and run, added in the same atomic step as its end.
-- Without PostgreSQL the stream is the archive. With it, the stream is what the archiver has yet to take; what is
-- dropped then for its bound is lost to the archive, and counted.
local ARCHIVE_MAX, ARCHIVE_EXACT, ARGS_MAX, FIELD_MAX, LINES, LINE_MAX = 10000, 1000, 8192, 32768, 20, 500

-- How many entries there may be, 0 for none at all, and who keeps the archive.
local function archive_bound()
  local settings = redis.call('HMGET', key.archiveSettings(), 'max', 'keep')
  return tonumber(settings[1]) or ARCHIVE_MAX, settings[2]
end

-- A bound of some size is kept to within one node of the stream, which is cheap. One that was lowered far is reached in steps (promise 13).
local function archive_trim(max, keep)
  local over = max < ARCHIVE_EXACT and redis.call('XLEN', key.archive()) - max or ARCHIVE_EXACT
  if over <= 0 then return end
  local dropped = over < 200 and redis.call('XTRIM', key.archive(), 'MAXLEN', max)
    or redis.call('XTRIM', key.archive(), 'MAXLEN', '~', max, 'LIMIT', 1000)
  if keep == 'postgres' and dropped > 0 then redis.call('HINCRBY', key.archiveSettings(), 'dropped', dropped) end
end

-- The entry that is being made. One table for all: a table that grows costs more than what is put into it.
local archived, archived_size = {}, 0

-- Adds a field where it has a value; of what is too long, only its size is kept.
local function archive_put(name, value, max)
  if not value or value == '' then return end
  if #value > (max or FIELD_MAX) then
    name, value = name .. '_bytes', #value
  end
  archived[archived_size + 1] = name
  archived_size = archived_size + 2
  archived[archived_size] = value
end

local function archive_add()
  redis.call('XADD', key.archive(), '*', unpack(archived, 1, archived_size))
end

local archive_names = { 'item', 'step', 'class', 'queue', 'enqueued_at', 'run_at', 'attempt', 'state', 'ended_at', 'worker', 'delivery',
  'redeliveries', 'cause', 'error', 'evidence', 'reason', 'attempts' }
-- Where each stands among them.
local place_by_name
local function archive_places()
  if not place_by_name then
    place_by_name = {}
    for place, name in ipairs(archive_names) do place_by_name[name] = place end
  end
  return place_by_name
end

local function archive_step(step)
  local run, node = string.match(step, '^(%S+) (%d+)$')
  local of = redis.call('HMGET', key.run(run), 'class', 'globals')
  archive_put('run', run)
  archive_put('node', node)
  archive_put('run_class', of[1])
  archive_put('globals', of[2], ARGS_MAX)
  archive_put('params', redis.call('HGET', key.runParams(run), node), ARGS_MAX)
  archive_put('label', redis.call('HGET', key.runLabels(run), node))
end

-- A step's item, which without its record is no end of anything when it found nothing to do.
local function is_of_run(item)
  return string.sub(item, 1, 31) == '{"class":"ResqueRuntime::Step",'
end

-- Adds a job that has just ended; false when it has no log.
-- `row`: `archive_names` of its record; `item_bytes` where the item is too large to be read.
local function archive_job(id, row, may_have_log)
  local item, step = row[1] or '', row[2]
  if not step and is_of_run(item) then return end
  archived_size = 0
  archive_put('kind', step and 'step' or 'job')
  archive_put('id', id)
  for i = 3, #archive_names do archive_put(archive_names[i], row[i]) end
  if step then
    archive_step(step)
  else
    archive_put('item', item, ARGS_MAX)
    archive_put('item_bytes', row.item_bytes)
    if #item > ARGS_MAX and not row[3] then archive_put('class', string.match(item, '^{"class":"([^"\\]+)"')) end
  end
  local lines = may_have_log and redis.call('LRANGE', key.log(id), -LINES, -1) or {}
  for i, line in ipairs(lines) do lines[i] = string.sub(line, 1, LINE_MAX) end
  if #lines > 0 then archive_put('log', cjson.encode(lines)) end
  archive_add()
  return #lines > 0
end

-- The same, read from its record; false when it is known to have no log.
local function archive(id)
  local max, keep = archive_bound()
  if max == 0 then return end
  local logged = archive_job(id, redis.call('HMGET', key.job(id), unpack(archive_names)), true)
  archive_trim(max, keep)
  return logged
end

-- A run that has just ended, as its own record has it.
local function archive_run(id)
  local max, keep = archive_bound()
  if max == 0 then return end
  local names = { 'status', 'class', 'created_at', 'started_at', 'ended_at', 'args', 'globals', 'total', 'finished', 'failed', 'skipped',
    'pipeline', 'version', 'instance', 'first', 'args_bytes' }
  local row = redis.call('HMGET', key.run(id), unpack(names))
  archived_size = 0
  archive_put('kind', row[12] and 'pipeline' or 'workflow')
  archive_put('id', id)
  for i, name in ipairs(names) do archive_put(name, row[i], ARGS_MAX) end
  archive_add()
  archive_trim(max, keep)
end
