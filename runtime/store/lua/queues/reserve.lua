-- Takes the next job and records it as in flight, in one step (promise 1). Queues are tried in the order given; one whose
-- key is no list has no jobs, and keeps nobody from those after it.
-- A worker that finds nothing is registered as idle for `idleMs` under its list of queues (`list`, '' for none): then a push
-- wakes it on the channel of `listener`. With `polled` 1 it was not woken: what it finds was pushed by a client that wakes
-- no one, such as Ruby's, and it wakes others for the rest.
-- @include ids-by-payload types wake payload record
-- @args supervisor worker now runAt newId list listener idleMs polled
-- @rest wanted
-- @reply {'paused'} | {'fenced'} | {'empty', how many queues there are} | {'job', queue, id, item, delivery, attempt, redeliveries, options, enqueued_at, permits, unique_until}
if not owns_lease(supervisor) then return { 'fenced' } end
check('inflight', supervisor)
local pause = redis.call('GET', key.pauseAll())
if pause and string.lower(string.match(pause, '^%s*(.-)%s*$')) == 'true' then return { 'paused' } end
local queue, item
for _, name in ipairs(wanted) do
  if redis.call('SISMEMBER', key.pausedQueues(), name) == 0 then
    local head = redis.pcall('LPOP', key.queue(name))
    if type(head) == 'string' then
      item, queue = head, name
      break
    end
  end
end
-- Which queues a list contains is declared once a minute, by one of its workers.
local SERVES_MS = 120000

local function declare(idle, at)
  redis.pcall('ZREMRANGEBYSCORE', idle, '-inf', at)
  redis.pcall('PEXPIRE', idle, SERVES_MS)
  for _, name in ipairs(wanted) do
    local served_by = key.servedBy(name)
    redis.pcall('ZREMRANGEBYSCORE', served_by, '-inf', at)
    redis.pcall('ZADD', served_by, at + SERVES_MS, list)
    redis.pcall('PEXPIRE', served_by, SERVES_MS)
  end
end

local function wait_for_job()
  local idle, at = key.idle(list), redis_ms()
  redis.pcall('ZADD', idle, at + tonumber(idleMs), listener)
  local known = redis.pcall('ZSCORE', key.servedBy(wanted[1]), list)
  if type(known) ~= 'string' or tonumber(known) < at + SERVES_MS / 2 then declare(idle, at) end
end

if not item then
  if list ~= '' and wanted[1] then wait_for_job() end
  return { 'empty', tonumber(redis.pcall('SCARD', key.queues())) or 0 }
end
if list ~= '' then redis.pcall('ZREM', key.idle(list), listener) end

local ids_by_payload = key.idsByPayload(queue)

-- What a record says before the delivery, in one read; the record of a new job says nothing.
local function read(id)
  return redis.pcall('HMGET', key.job(id), 'state', 'delivery', 'attempt', 'turn', 'unique', 'redeliveries', 'options', 'enqueued_at', 'permits',
    'unique_until')
end

-- The oldest ticket of these bytes whose job still waits, and its record: as next_id does it.
local function oldest()
  local field = payload_field(item)
  local id = take_id(ids_by_payload, field)
  while id do
    local row = read(id)
    if not row.err and row[1] ~= 'cancelled' then return id, row end
    id = take_id(ids_by_payload, field)
  end
  return newId, read(newId)
end

local function take(known)
  local id, row = known
  if known then row = read(known) else id, row = oldest() end
  local delivery, attempt = tonumber(row[2] or 0) + 1, tonumber(row[3] or 0) + 1
  local record, t = key.job(id), redis_time()
  redis.call('HSET', key.inflight(supervisor), id, string.format('%d %s', delivery, worker))
  -- `turn`: its place among those who wait for the same limit, kept until the job ends, or fails.
  redis.call('HSET', record, 'queue', queue, 'item', item, 'state', 'running', 'worker', worker, 'run_at', now, 'delivery', delivery,
    'attempt', attempt, 'turn', row[4] or string.format('%d%06d', t[1], t[2]))
  if row[5] then keep_record(id) else redis.call('PERSIST', record) end
  -- Tickets of an empty list are left over.
  if redis.call('EXISTS', key.queue(queue)) == 0 then redis.call('UNLINK', ids_by_payload) end

  -- Resque's own record of the job in hand; garbage is left out, since Ruby's web page would fall over it.
  if is_object(item) then
    redis.call('SET', key.worker(worker), '{"queue":' .. cjson.encode(queue) .. ',"run_at":"' .. runAt .. '","payload":' .. item .. '}')
  end
  return { 'job', queue, id, item, delivery, attempt, row[6] or 0, row[7] or '', row[8] or '', row[9] or '', row[10] or '' }
end

-- Its item is off the queue by now, and what is known of it may be garbage (another type under one of our keys): then it
-- goes on without its old record, or back.
local fine, taken = pcall(take)
if not fine then
  if wrong('idsByPayload', queue) then redis.call('UNLINK', ids_by_payload) end
  fine, taken = pcall(take, newId)
end
if fine then
  if polled == '1' then wake_idle(queue, tonumber(redis.pcall('LLEN', key.queue(queue))) or 0) end
  return taken
end
redis.call('LPUSH', key.queue(queue), item)
return redis.error_reply(type(taken) == 'table' and taken.err or taken)
