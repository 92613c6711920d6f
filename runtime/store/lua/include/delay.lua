-- Where delayed jobs wait. With a `second` they lie in Resque's own structures, written in Ruby's order; else in the
-- millisecond set, whose record holds the bytes. A bucket whose second is near is never touched: Ruby's mover reads
-- a due bucket before it watches it, and would lose what was pushed in between.
-- @include ids-by-payload types unique
local function delay_in_bucket(id, second, bucket_item)
  local ids_by_payload = key.delayedIdsByPayload(second)
  redis.call('RPUSH', key.delayedBucket(second), bucket_item)
  redis.call('SADD', key.delayedTimestamps(bucket_item), 'delayed:' .. second)
  put_id(ids_by_payload, payload_field(bucket_item), id)
  -- A Ruby scheduler that moves the bucket knows nothing of ids: they go a week after their second.
  redis.call('EXPIREAT', ids_by_payload, tonumber(second) + 604800)
  local is_new = redis.call('ZADD', key.delayedSchedule(), second, second) == 1
  if is_new and redis.call('ZRANGE', key.delayedSchedule(), 0, 0)[1] == second then
    redis.pcall('PUBLISH', key.wakeDelayed(), second .. '000')
  end
end

local function delay_until(id, due)
  redis.call('ZADD', key.delayed(), due, id)
  if redis.call('ZRANGE', key.delayed(), 0, 0)[1] == id then redis.pcall('PUBLISH', key.wakeDelayed(), due) end
end

local redis_second = tonumber(redis.call('TIME')[1])

local function check_bucket(second, bucket_item)
  check('delayedBucket', second)
  check('delayedTimestamps', bucket_item)
  check('delayedIdsByPayload', second)
  check('delayedSchedule')
end

-- To be called before anything of a job that is to wait is written.
local function check_delay(second, bucket_item)
  check('delayed')
  if tonumber(second) > 0 then check_bucket(second, bucket_item) end
end

-- Makes a job wait until `due` ms: in the bucket of `second`, or, when that is 0 or nearer than two seconds by Redis's
-- own clock, in the millisecond set. `item` is the queue's form of the bytes, `bucket_item` Resque's delayed form;
-- `fields` are more fields of its record. A job that waits in the set must not lose its record, which has the bytes.
local function delay(id, queue, item, due, second, bucket_item, now, ttl, fields)
  local record = key.job(id)
  if tonumber(second) > redis_second + 2 then
    redis.call('HSET', record, 'queue', queue, 'state', 'delayed', 'due_at', due, 'second', second, 'bucket_item', bucket_item, unpack(fields))
    delay_in_bucket(id, second, bucket_item)
    expire_record(id, string.format('%.0f', math.max(tonumber(due) - tonumber(now), 0) + tonumber(ttl)))
  else
    redis.call('HSET', record, 'queue', queue, 'state', 'delayed', 'due_at', due, 'item', item, unpack(fields))
    delay_until(id, due)
    keep_record(id)
  end
end

-- The bytes of a job in its bucket, by the ids that name it: for a record of an earlier version, which has them not.
local function bytes_by_id(id, bucket, ids_by_payload)
  for _, bytes in ipairs(redis.call('LRANGE', bucket, 0, -1)) do
    local field = payload_field(bytes)
    local value = redis.call('HGET', ids_by_payload, field)
    local head, tail = string.match(value or '', '^(-?%d+) (-?%d+)$')
    local found = value == id
    for n = tonumber(head or 0), tonumber(tail or 0) - 1 do
      found = found or redis.call('HGET', ids_by_payload, field .. ':' .. string.format('%d', n)) == id
    end
    if found then return bytes end
  end
end

-- Takes one job out of its bucket; false when it is not there. An ID among several of the same bytes stays, and is
-- passed over since its job no longer waits.
local function leave_bucket(id, second, bytes)
  local bucket, ids_by_payload = key.delayedBucket(second), key.delayedIdsByPayload(second)
  bytes = bytes or bytes_by_id(id, bucket, ids_by_payload)
  if not bytes or redis.call('LREM', bucket, -1, bytes) == 0 then return false end
  local field = payload_field(bytes)
  if redis.call('HGET', ids_by_payload, field) == id then redis.call('HDEL', ids_by_payload, field) end
  if not redis.call('LPOS', bucket, bytes) then redis.call('SREM', key.delayedTimestamps(bytes), 'delayed:' .. second) end
  if redis.call('EXISTS', bucket) == 0 then redis.call('ZREM', key.delayedSchedule(), second) end
  return true
end
