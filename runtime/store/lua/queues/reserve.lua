-- Records how jobs ended, and takes jobs, one for each slot at most, and records them as in flight, in one step (promise 1). Queues are tried in the
-- order given; one whose key is no list has no jobs, and does not stop the search.
-- A worker that finds less than it has slots for is registered as idle for `idleMs` under its list of queues (`list`, '' for
-- none): then a push wakes it on the channel of `listener`. With `listed` 1 it may be registered now. With `polled` 1 it was not woken: what it finds was pushed by a
-- client that wakes no one, such as Ruby's, and it wakes others for the rest.
-- @include ids-by-payload types wake record record-ends
-- @args supervisor now slots newId list listener idleMs listed polled failedMax ends
-- @rest given
-- `newId` is for an item of no known job, and begins the ids of further ones. `ends`: see include/record-ends.lua. `given`: for each slot its worker id; then the queues.
-- @reply {what became of each end} followed by one of: 'paused' | 'fenced' | 'error', why no job could be taken | 'taken', job … | 'empty', how many queues
-- there are, job … where nothing is left in them; a job being
-- {queue, id, item, delivery, attempt, enqueued_at, options}, with redeliveries, permits, unique_until behind where it was taken before or has a unique lock
-- To hash a megabyte takes some milliseconds: a call stops at this many bytes (promise 13).
local BYTES_MAX = 262144
-- Where the first item of a list is within that, so many come with one command; those that are too much go back.
local POPPED_AT_ONCE = 10
-- Which queues a list contains is declared once a minute, by one of its workers.
local SERVES_MS = 120000
local slot_count, last_queue, t = tonumber(slots), #given, redis_time()
local first_queue, in_flight, taken, count, bytes = slot_count + 1, {}, {}, 0, 0

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
  local row = redis.pcall('HMGET', key.job(id), 'state', 'enqueued_at', 'options', 'delivery', 'unique')
  return not row.err and row or nil
end

-- The IDs of the items just popped, in one read. One that several wait for is taken from the hash, see ids-by-payload.
local function ids_of(queue, items)
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
  return next_of, function(is_empty)
    -- IDs of an empty list are left over.
    if is_empty then
      redis.call('UNLINK', hash)
    elseif #spent > 0 then
      redis.call('HDEL', hash, unpack(spent))
    end
  end
end

local second, microsecond = t[1], math.min(tonumber(t[2]), 999999 - slot_count)
-- A job's place among those who wait for the same limit, kept until the job ends, or fails: when it was first taken, in microseconds.
local function place_in_line()
  return second .. string.format('%06d', microsecond + count)
end

local function take(queue, item, worker, id, row)
  local record, state, enqueued_at, options = key.job(id), row[1], row[2] or '', row[3] or ''
  local delivery, attempt, turn, job = '1', '1'
  -- Only what was taken before, or has a unique lock, can have more.
  if row[4] or row[5] then
    local more = redis.call('HMGET', record, 'attempt', 'turn', 'redeliveries', 'permits', 'unique_until')
    delivery, attempt = string.format('%d', (row[4] or 0) + 1), string.format('%d', (more[1] or 0) + 1)
    turn, job = more[2], { queue, id, item, delivery, attempt, enqueued_at, options, more[3] or '', more[4] or '', more[5] or '' }
  else
    job = { queue, id, item, delivery, attempt, enqueued_at, options }
  end
  turn = turn or place_in_line()
  if state == 'waiting' then
    -- It has its queue and item, by whose bytes it was found.
    redis.call('HSET', record, 'state', 'running', 'worker', worker, 'run_at', now, 'delivery', delivery, 'attempt', attempt, 'turn', turn)
  else
    redis.call('HSET', record, 'queue', queue, 'item', item, 'state', 'running', 'worker', worker, 'run_at', now, 'delivery', delivery,
      'attempt', attempt, 'turn', turn)
  end
  if row[5] then keep_record(id) elseif state then redis.call('PERSIST', record) end
  in_flight[2 * count + 1] = id
  in_flight[2 * count + 2] = delivery .. ' ' .. worker
  count = count + 1
  taken[count] = job
end

-- With its oldest ID whose job still waits. What is known of it may be garbage: then it goes on without its old record.
local function take_known(queue, item, next_of, i)
  local worker, id = given[count + 1], next_of(i)
  local row = id and read(id)
  while id and (not row or row[1] == 'cancelled') do
    id = next_of(i)
    row = id and read(id)
  end
  if id and pcall(take, queue, item, worker, id, row) then return true end
  id = count == 0 and newId or newId .. '-' .. count
  row = read(id)
  return row and pcall(take, queue, item, worker, id, row)
end

local function put_back(list, items, from)
  for i = #items, from, -1 do
    redis.call('LPUSH', list, items[i])
    items[i] = nil
  end
end

-- Takes items off a list, at most as many as there are slots; and whether it is empty then.
local function pop(list)
  local items, is_empty = {}, false
  while not is_empty and count + #items < slot_count and bytes < BYTES_MAX do
    local most = math.min(#items == 0 and 1 or POPPED_AT_ONCE, slot_count - count - #items)
    local popped = redis.pcall('LPOP', list, most)
    if not popped or popped.err then return items, true end
    local before, over = #items, nil
    for i, item in ipairs(popped) do
      if bytes >= BYTES_MAX then over = over or before + i end
      bytes = bytes + #item
      items[before + i] = item
    end
    if over then put_back(list, items, over) end
    is_empty = #popped < most and not over
  end
  return items, is_empty
end

local function take_from(queue)
  local list = key.queue(queue)
  local items, is_empty = pop(list)
  if #items == 0 then return true end
  local next_of, tidy = ids_of(queue, items)
  for i, item in ipairs(items) do
    if not take_known(queue, item, next_of, i) then
      put_back(list, items, i)
      tidy(false)
      return false
    end
  end
  tidy(is_empty)
  if polled == '1' and not is_empty then wake_idle(queue, tonumber(redis.pcall('LLEN', list)) or 0) end
  return true
end

local function take_all()
  if not owns_lease(supervisor) then return { 'fenced' } end
  -- The ends have been read from it.
  if ends == '' then check('inflight', supervisor) end
  local pause = redis.call('GET', key.pauseAll())
  if pause and string.lower(string.match(pause, '^%s*(.-)%s*$')) == 'true' then return { 'paused' } end
  local fine, paused = true, last_queue >= first_queue and redis.call('SMISMEMBER', key.pausedQueues(), unpack(given, first_queue, last_queue)) or {}
  for i = first_queue, last_queue do
    if count == slot_count or bytes >= BYTES_MAX or not fine then break end
    if paused[i - first_queue + 1] == 0 then fine = take_from(given[i]) end
  end
  if count > 0 then redis.call('HSET', key.inflight(supervisor), unpack(in_flight)) end
  if not fine and count == 0 then return { 'error', 'WRONGTYPE the record of a new job holds another type than a hash' } end
  local empty = fine and count < slot_count and bytes < BYTES_MAX
  if list ~= '' and last_queue >= first_queue then
    if empty then wait_for_job() elseif listed == '1' then redis.pcall('ZREM', key.idle(list), listener) end
  end
  if not empty then return { 'taken', unpack(taken) } end
  return { 'empty', tonumber(redis.pcall('SCARD', key.queues())) or 0, unpack(taken) }
end

local answers = record_ends(supervisor, now, failedMax, ends)
-- The ends are recorded, whatever comes of the rest.
local good, reply = pcall(take_all)
if not good then reply = { 'error', type(reply) == 'table' and reply.err or reply } end
return { answers, unpack(reply) }
