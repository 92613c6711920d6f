-- Gives a job that was taken the slots of limits it needs before it performs: all, or none. Without them it is no longer in flight
-- and waits, in one step: in the line of a concurrency limit, or in that of a rate limit.
-- @include settled run-step
-- @args supervisor worker id delivery now limits failedAt
-- @reply 'granted' | 'held' | 'lost'
local mine = redis.call('HGET', key.inflight(supervisor), id)
if not owns_lease(supervisor) or not mine or string.match(mine, '^%d+') ~= delivery then return 'lost' end
-- A write that needs no memory comes first: Redis then lets the script go on when its memory is full.
redis.call('SREM', key.heldKeys(), '')
local record, wanted = key.job(id), cjson.decode(limits)
local turn, step = unpack(redis.call('HMGET', record, 'turn', 'step'))
turn = turn or 0
if step then check_run(string.match(step, '^%S+')) end
check('rateKeys')
for _, limit in ipairs(wanted) do
  if limit.kind == 'concurrency' then
    check('limitSlots', limit.key)
    check('held', limit.key)
  else
    local why = rate_wrong(limit)
    if why then error(why, 0) end
  end
end
redis.call('HSET', record, 'permits', limits)

local function hold(held_by)
  let_go(supervisor, worker, id, delivery)
  redis.call('HINCRBY', record, 'attempt', -1)
  redis.call('HDEL', record, 'worker', 'run_at')
  redis.call('HSET', record, 'state', 'held', 'held_by', held_by)
  -- It has not started after all: a lock that its start gave up is its own again, unless another job took it meanwhile.
  local lock, lasts_until = unpack(redis.call('HMGET', record, 'unique', 'unique_until'))
  if lasts_until == 'start' then redis.call('SET', key.unique(lock), id, 'NX') end
  if step then run_step_back(step, id, now, true) end
end

local function is_full(limit)
  if redis.call('ZSCORE', key.limitSlots(limit.key), id) then return false end
  grant_next(limit.key, limit.limit)
  if redis.call('ZCARD', key.limitSlots(limit.key)) < limit.limit then return false end
  reclaim_slots(limit.key)
  grant_next(limit.key, limit.limit)
  return redis.call('ZCARD', key.limitSlots(limit.key)) >= limit.limit
end

local function is_rate_limited(limit)
  local line = key.rateLine(limit.key)
  redis.call('ZADD', line, turn, id)
  if rate_due(limit, redis.call('ZRANK', line, id)) == 0 then return false end
  drop_lost_waiters(limit)
  return rate_due(limit, redis.call('ZRANK', line, id)) ~= 0
end

for _, limit in ipairs(wanted) do
  if limit.kind == 'concurrency' and is_full(limit) then
    hold(limit.key)
    redis.call('ZADD', key.held(limit.key), turn, id)
    redis.call('SADD', key.heldKeys(), limit.key)
    return 'held'
  end
end
for _, limit in ipairs(wanted) do
  if limit.kind == 'rate' and is_rate_limited(limit) then
    for _, other in ipairs(wanted) do
      if other.kind == 'concurrency' then release_slot(other, id) end
    end
    hold(limit.key)
    redis.call('SADD', key.rateKeys(), limit.key)
    plan_start(limit, redis.call('ZRANK', key.rateLine(limit.key), id))
    return 'held'
  end
end
for _, limit in ipairs(wanted) do
  if limit.kind == 'concurrency' then
    redis.call('ZADD', key.limitSlots(limit.key), redis_ms(), id)
  else
    redis.call('ZADD', key.rateStarts(limit.key), redis_ms(), id .. ':' .. delivery)
    redis.call('PEXPIRE', key.rateStarts(limit.key), limit.perMs)
    leave_rate_line(limit, id)
  end
end
redis.call('HDEL', record, 'due_at', 'held_by')
return 'granted'
