-- Slots of concurrency limits. A job's record has in `permits` (JSON) the limits that it asked for. A job without a slot waits
-- in the limit's line, in the order in which jobs were first reserved (`turn`). A slot that becomes free is granted to the
-- first job in the line, which goes to the head of its queue: no job polls. If no worker reserves that job, the slot is
-- granted to the next one after a while.
-- Where a key of a limit is of another type, no slot is granted or released.
-- @include push lease rate unique
local GRANTED_MS = 30000
-- The record of a job that went back to its queue: if another's worker takes the item, nothing else ends the record.
local WAITING_MS = 2592000000
-- How many jobs one script takes out of a line; the rest of a line whose limit was raised goes with the next calls (promise 13).
local GRANTS_MAX = 50
local grants_left = GRANTS_MAX

local function grant_next(limit_key, limit)
  if wrong('limitSlots', limit_key) or wrong('held', limit_key) or wrong('heldKeys') then return end
  local holders, line, passed = key.limitSlots(limit_key), key.held(limit_key), 0
  while grants_left > 0 and redis.call('ZCARD', holders) < tonumber(limit) and passed < 20 do
    local id = redis.call('ZRANGE', line, passed, passed)[1]
    if not id then
      if passed == 0 then redis.call('SREM', key.heldKeys(), limit_key) end
      return
    end
    local state, queue, item, by = unpack(redis.pcall('HMGET', key.job(id), 'state', 'queue', 'item', 'held_by'))
    -- Without its queue or item there is nothing that could run.
    local mine = state == 'held' and by == limit_key and queue and item
    -- One whose queue takes no jobs stays where it is, and keeps no other waiting.
    if mine and wrong('queue', queue) then
      passed = passed + 1
    else
      redis.call('ZREM', line, id)
      grants_left = grants_left - 1
    end
    if mine and not wrong('queue', queue) then
      redis.call('ZADD', holders, redis_ms(), id)
      redis.call('HSET', key.job(id), 'state', 'waiting')
      redis.call('HDEL', key.job(id), 'held_by')
      expire_record(id, WAITING_MS)
      push_in_order(queue, item, id)
    end
  end
end

-- Frees the slots of jobs that are gone (another's worker took them, their queue was removed) or that no worker reserves.
local function reclaim_slots(limit_key)
  if wrong('limitSlots', limit_key) then return end
  local now, holders = redis_ms(), redis.call('ZRANGE', key.limitSlots(limit_key), 0, 99, 'WITHSCORES')
  for i = 1, #holders, 2 do
    local state = redis.pcall('HGET', key.job(holders[i]), 'state')
    if state ~= 'running' and not (state == 'waiting' and tonumber(holders[i + 1]) > now - GRANTED_MS) then
      redis.call('ZREM', key.limitSlots(limit_key), holders[i])
    end
  end
end

-- What a record asks for. Fields that cannot be read are none: a job's end, and the lines of all limits, must not stop at them.
local function limits_of(id)
  local good, asked = pcall(cjson.decode, redis.pcall('HGET', key.job(id), 'permits'))
  local limits = {}
  for _, limit in ipairs(good and type(asked) == 'table' and asked or {}) do
    local fits = type(limit) == 'table' and type(limit.key) == 'string' and tonumber(limit.limit)
    if fits and (limit.kind == 'concurrency' or limit.kind == 'rate' and tonumber(limit.perMs)) then limits[#limits + 1] = limit end
  end
  return limits
end

local function release_slot(limit, id)
  if not wrong('limitSlots', limit.key) and redis.call('ZREM', key.limitSlots(limit.key), id) == 1 then grant_next(limit.key, limit.limit) end
end

-- Releases what a job holds or waits for, and its place in line.
local function release_limits(id)
  redis.call('HDEL', key.job(id), 'turn')
  for _, limit in ipairs(limits_of(id)) do
    if limit.kind == 'rate' then leave_rate_line(limit, id) else release_slot(limit, id) end
  end
end

-- A job that goes back to the head of its queue keeps its slot, as if it had just been granted.
local function keep_slots(id)
  for _, limit in ipairs(limits_of(id)) do
    if limit.kind == 'concurrency' then redis.pcall('ZADD', key.limitSlots(limit.key), 'XX', redis_ms(), id) end
  end
  expire_record(id, WAITING_MS)
end
