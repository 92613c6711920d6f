-- Permits under a concurrency limit. A job's record names in `permits` (JSON) what it asked for. Who gets none waits in
-- the limit's line, in the order in which jobs were first taken off their queues (`turn`). A permit that comes free is
-- handed to the head of the line, which goes to the head of its queue: nobody polls. A permit handed to a job that nobody
-- takes up is given to the next one after a while.
-- Where a key of a limit is of another type there is nothing to hand on or give back.
-- @include push lease rate unique
local HANDED_MS = 30000
-- The record of a job that went back to its queue: if another's worker takes the item, nothing else ends the record.
local WAITING_MS = 2592000000
-- How many jobs one script takes out of a line; the rest of a line whose limit was raised goes with the next calls (promise 13).
local GRANTS_MAX = 50
local grants_left = GRANTS_MAX

local function grant_next(limit_key, limit)
  if wrong('permits', limit_key) or wrong('held', limit_key) or wrong('heldKeys') then return end
  local holders, line, passed = key.permits(limit_key), key.held(limit_key), 0
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

-- Takes permits back from jobs that are gone (another's worker took them, their queue was removed) or not taken up.
local function drop_lost(limit_key)
  if wrong('permits', limit_key) then return end
  local now, holders = redis_ms(), redis.call('ZRANGE', key.permits(limit_key), 0, 99, 'WITHSCORES')
  for i = 1, #holders, 2 do
    local state = redis.pcall('HGET', key.job(holders[i]), 'state')
    if state ~= 'running' and not (state == 'waiting' and tonumber(holders[i + 1]) > now - HANDED_MS) then
      redis.call('ZREM', key.permits(limit_key), holders[i])
    end
  end
end

-- What a record asks for. Fields that cannot be read are none: a job's end, and the lines of all limits, must not stop at them.
local function permits_of(id)
  local good, asked = pcall(cjson.decode, redis.pcall('HGET', key.job(id), 'permits'))
  local permits = {}
  for _, permit in ipairs(good and type(asked) == 'table' and asked or {}) do
    local fits = type(permit) == 'table' and type(permit.key) == 'string' and tonumber(permit.limit)
    if fits and (permit.kind == 'concurrency' or permit.kind == 'rate' and tonumber(permit.perMs)) then permits[#permits + 1] = permit end
  end
  return permits
end

local function give_back(permit, id)
  if not wrong('permits', permit.key) and redis.call('ZREM', key.permits(permit.key), id) == 1 then grant_next(permit.key, permit.limit) end
end

-- Gives back what a job holds or waits for, and its turn.
local function release(id)
  redis.call('HDEL', key.job(id), 'turn')
  for _, permit in ipairs(permits_of(id)) do
    if permit.kind == 'rate' then leave_rate_line(permit, id) else give_back(permit, id) end
  end
end

-- A job that goes back to the head of its queue keeps its permit, as if it had just been handed it.
local function keep_permits(id)
  for _, permit in ipairs(permits_of(id)) do
    if permit.kind == 'concurrency' then redis.pcall('ZADD', key.permits(permit.key), 'XX', redis_ms(), id) end
  end
  expire_record(id, WAITING_MS)
end
