-- Moves due items from Resque's delayed buckets to their queues, at most `batch` of them from at most `batch` seconds, in one step. Only for the
-- holder of Ruby's lock: two movers on one bucket would double or lose jobs. What is no job goes to the failed list
-- whole, as does a job whose queue does not take it. An item without a queue stops the batch unless `routes` (JSON: class → queue, '' for none) knows its class.
-- @include push-all refuse unique delayed-item settled budget payload
-- @args lockPrefix owner now batch ttlMs failedAt failedMax routes
-- @reply {'lost'} | {'ok', moved, failed, second of the next bucket or '', class that wants a route or ''}
if redis.call('GET', key.schedulerLock(lockPrefix)) ~= owner then return { 'lost' } end
check('failed')
local known = routes ~= '' and cjson.decode(routes) or {}
local moved, failed, unrouted = 0, 0, ''
local second_now = math.floor(tonumber(now) / 1000)

-- The entry's queue is the one that the item names, if any; `(none)` is no queue, and `failed retry` refuses it.
local function fail_item(item, text)
  local ok, value = decode(item)
  local named = ok and type(value) == 'table' and value.queue
  local queue = type(named) == 'string' and named ~= '' and named or '(none)'
  fail('{"failed_at":"' .. failedAt .. '","payload":' .. payload_of(item) ..
    ',"exception":"Resque::Helpers::DecodeException","error":' .. cjson.encode(text) ..
    ',"backtrace":[],"worker":' .. cjson.encode(owner .. ':' .. queue) .. ',"queue":' ..
    cjson.encode(queue) .. ',"cause":"garbage"}', failedMax)
  failed = failed + 1
end

-- Returns false when the item must stay until its class's queue is known.
local function move(item, second)
  local text, queue, class = read_delayed(item)
  local id
  if text and not queue then
    queue = known[class]
    if not queue then
      unrouted = class
      return false
    end
  end
  redis.pcall('SREM', key.delayedTimestamps(item), 'delayed:' .. second)
  id = not wrong('delayedIdsByPayload', second) and next_id(key.delayedIdsByPayload(second), payload_field(item))
  if not text then
    fail_item(item, 'delayed item is not a job: expected a JSON object with "class" and "args"')
  elseif queue == '' then
    fail_item(item, 'delayed item names no queue, and its class ' .. class .. ' has none that is known here')
  else
    push_later(queue, text, id)
    if id then
      redis.call('HSET', key.job(id), 'state', 'waiting', 'queue', queue, 'item', text)
      redis.call('HDEL', key.job(id), 'second', 'bucket_item')
      expire_record(id, ttlMs)
    end
    moved = moved + 1
  end
  return true
end

local full = false
local function empty(second)
  local bucket = key.delayedBucket(second)
  local done = 0
  local items = redis.pcall('LRANGE', bucket, 0, tonumber(batch) - moved - failed - 1)
  -- A key of another type is no bucket: it stays, and does not delay those after it.
  if items.err then return redis.call('ZREM', key.delayedSchedule(), second) end
  for _, item in ipairs(items) do
    if not move(item, second) then break end
    done = done + 1
    full = spent(item)
    if full then break end
  end
  redis.call('LTRIM', bucket, done, -1)
  if redis.call('EXISTS', bucket) == 1 then return end
  redis.call('ZREM', key.delayedSchedule(), second)
  redis.call('UNLINK', key.delayedIdsByPayload(second))
end

local head = redis.call('ZRANGE', key.delayedSchedule(), 0, 0, 'WITHSCORES')
-- Seconds whose list is empty or gone count as well: there may be any number of them.
local seconds = tonumber(batch)
while head[2] and tonumber(head[2]) <= second_now and moved + failed < tonumber(batch) and seconds > 0 and not full and unrouted == '' do
  empty(head[1])
  seconds = seconds - 1
  head = redis.call('ZRANGE', key.delayedSchedule(), 0, 0, 'WITHSCORES')
end
push_collected(function(queue, item, id, why)
  moved, failed = moved - 1, failed + 1
  refuse(owner, queue, item, id, why)
end)
return { 'ok', moved, failed, head[2] or '', unrouted }
