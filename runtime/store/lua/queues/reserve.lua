-- Records how jobs ended, and takes jobs, one for each slot at most, and records them as in flight, in one step (promise 1). Queues are tried in the
-- order given; one whose key is no list has no jobs, and does not stop the search.
-- A worker that finds less than it has slots for is registered as idle for `idleMs` under its list of queues (`list`, '' for
-- none): then a push wakes it on the channel of `listener`. With `polled` 1 it was not woken: what it finds was pushed by a
-- client that wakes no one, such as Ruby's, and it wakes others for the rest.
-- @include ids-by-payload types wake record record-ends
-- @args supervisor now slots queueCount list listener idleMs polled failedMax
-- @rest given
-- `given`: for each slot its worker id and a new id, for an item of no known job; then the queues; then the ends, see include/record-ends.lua.
-- @reply {what became of each end} followed by one of: 'paused' | 'fenced' | 'error', why no job could be taken | 'taken', job … | 'empty', how many queues
-- there are, job … where nothing is left in them; a job being
-- {queue, id, item, delivery, attempt, redeliveries, options, enqueued_at, permits, unique_until}
-- To hash a megabyte takes some milliseconds: a call stops at this many bytes (promise 13).
local BYTES_MAX = 262144
-- Which queues a list contains is declared once a minute, by one of its workers.
local SERVES_MS = 120000
local first_queue = 2 * tonumber(slots) + 1
local last_queue, t = first_queue + tonumber(queueCount) - 1, redis_time()
local in_flight, taken, bytes = {}, {}, 0

local function declare(idle, at)
  redis.pcall('ZREMRANGEBYSCORE', idle, '-inf', at)
  redis.pcall('PEXPIRE', idle, SERVES_MS)
  for i = first_queue, last_queue do
    local served_by = key.servedBy(given[i])
    redis.pcall('ZREMRANGEBYSCORE', served_by, '-inf', at)
    redis.pcall('ZADD', served_by, at + SERVES_MS, list)
    redis.pcall('PEXPIRE', served_by, SERVES_MS)
  end
end

local function wait_for_job()
  local idle, at = key.idle(list), redis_ms()
  redis.pcall('ZADD', idle, at + tonumber(idleMs), listener)
  local known = redis.pcall('ZSCORE', key.servedBy(given[first_queue]), list)
  if type(known) ~= 'string' or tonumber(known) < at + SERVES_MS / 2 then declare(idle, at) end
end

-- What a record says before the delivery, in one read; the record of a new job says nothing. Nil where its key is no hash.
local function read(id)
  local row = redis.pcall('HMGET', key.job(id), 'state', 'delivery', 'attempt', 'turn', 'unique', 'redeliveries', 'options', 'enqueued_at', 'permits',
    'unique_until')
  return not row.err and row or nil
end

-- The tickets of the items just popped, in one read. One that several wait for is taken from the hash, see ids-by-payload.
local function tickets_of(queue, items)
  local hash, fields, spent = key.idsByPayload(queue), {}, {}
  for i, item in ipairs(items) do fields[i] = payload_field(item) end
  local values = redis.pcall('HMGET', hash, unpack(fields))
  if values.err then redis.call('UNLINK', hash) end
  local function next_of(i)
    local field, value = fields[i], not values.err and values[i]
    if not value or spent[field] then return nil end
    if string.find(value, ' ', 1, true) then return take_id(hash, field) end
    spent[field] = true
    spent[#spent + 1] = field
    return value
  end
  return next_of, function()
    -- Tickets of an empty list are left over.
    if redis.call('EXISTS', key.queue(queue)) == 0 then
      redis.call('UNLINK', hash)
    elseif #spent > 0 then
      redis.call('HDEL', hash, unpack(spent))
    end
  end
end

local function take(queue, item, worker, id, row)
  local delivery, attempt = tonumber(row[2] or 0) + 1, tonumber(row[3] or 0) + 1
  local record = key.job(id)
  -- `turn`: its place among those who wait for the same limit, kept until the job ends, or fails.
  redis.call('HSET', record, 'queue', queue, 'item', item, 'state', 'running', 'worker', worker, 'run_at', now, 'delivery', delivery,
    'attempt', attempt, 'turn', row[4] or string.format('%.0f', t[1] * 1000000 + t[2] + #taken))
  if row[5] then keep_record(id) elseif row[1] then redis.call('PERSIST', record) end
  in_flight[#in_flight + 1] = id
  in_flight[#in_flight + 1] = string.format('%d %s', delivery, worker)
  taken[#taken + 1] = { queue, id, item, delivery, attempt, row[6] or 0, row[7] or '', row[8] or '', row[9] or '', row[10] or '' }
end

-- With its oldest ticket whose job still waits. What is known of it may be garbage: then it goes on without its old record.
local function take_known(queue, item, next_of, i)
  local worker, new_id, id = given[2 * #taken + 1], given[2 * #taken + 2], next_of(i)
  local row = id and read(id)
  while id and (not row or row[1] == 'cancelled') do
    id = next_of(i)
    row = id and read(id)
  end
  if id and pcall(take, queue, item, worker, id, row) then return true end
  row = read(new_id)
  return row and pcall(take, queue, item, worker, new_id, row)
end

local function take_from(queue)
  local items = {}
  while #taken + #items < tonumber(slots) and bytes < BYTES_MAX do
    local item = redis.pcall('LPOP', key.queue(queue))
    if type(item) ~= 'string' then break end
    items[#items + 1] = item
    bytes = bytes + #item
  end
  if #items == 0 then return true end
  local next_of, tidy = tickets_of(queue, items)
  for i, item in ipairs(items) do
    if not take_known(queue, item, next_of, i) then
      for back = #items, i, -1 do redis.call('LPUSH', key.queue(queue), items[back]) end
      tidy()
      return false
    end
  end
  tidy()
  if polled == '1' then wake_idle(queue, tonumber(redis.pcall('LLEN', key.queue(queue))) or 0) end
  return true
end

local function take_all()
  if not owns_lease(supervisor) then return { 'fenced' } end
  check('inflight', supervisor)
  local pause = redis.call('GET', key.pauseAll())
  if pause and string.lower(string.match(pause, '^%s*(.-)%s*$')) == 'true' then return { 'paused' } end
  local fine = true
  for i = first_queue, last_queue do
    if #taken == tonumber(slots) or bytes >= BYTES_MAX or not fine then break end
    if redis.call('SISMEMBER', key.pausedQueues(), given[i]) == 0 then fine = take_from(given[i]) end
  end
  if #taken > 0 then redis.call('HSET', key.inflight(supervisor), unpack(in_flight)) end
  if not fine and #taken == 0 then return { 'error', 'WRONGTYPE the record of a new job holds another type than a hash' } end
  local empty = fine and #taken < tonumber(slots) and bytes < BYTES_MAX
  if list ~= '' and queueCount ~= '0' then
    if empty then wait_for_job() else redis.pcall('ZREM', key.idle(list), listener) end
  end
  if not empty then return { 'taken', unpack(taken) } end
  return { 'empty', tonumber(redis.pcall('SCARD', key.queues())) or 0, unpack(taken) }
end

local ends = record_ends(supervisor, now, failedMax, given, last_queue + 1)
-- The ends are recorded, whatever comes of the rest.
local good, reply = pcall(take_all)
if not good then reply = { 'error', type(reply) == 'table' and reply.err or reply } end
return { ends, unpack(reply) }
