-- Gives a running job the permits it needs before it performs: all, or none. Without them it is no longer in flight and
-- waits for its turn, in one step: in the line of the concurrency limit, or among the delayed jobs until the rate's
-- window has room. The window slides over starts; those who wait have their starts planned behind one another.
-- @include settled run-step
-- @args supervisor worker id delivery now permits
-- @reply 'granted' | 'held' | 'lost'
local mine = redis.call('HGET', key.inflight(supervisor), id)
if not owns_lease(supervisor) or not mine or string.match(mine, '^%d+') ~= delivery then return 'lost' end
-- Any write that needs no memory comes first: Redis then lets the script go on when its memory is full.
redis.call('SREM', key.heldKeys(), '')
local record, redis_now = key.job(id), redis_ms()
redis.call('HSET', record, 'permits', permits)

local function park(held_by)
  let_go(supervisor, worker, id, delivery)
  redis.call('HINCRBY', record, 'attempt', -1)
  redis.call('HDEL', record, 'worker', 'run_at', 'handed')
  redis.call('HSET', record, 'state', 'held', 'held_by', held_by)
  local step = redis.call('HGET', record, 'step')
  if step then run_step_back(step, id, now, true) end
end

local function full(permit)
  if redis.call('ZSCORE', key.permits(permit.key), id) then return false end
  hand_on(permit.key, permit.limit)
  if redis.call('ZCARD', key.permits(permit.key)) < permit.limit then return false end
  drop_lost(permit.key)
  hand_on(permit.key, permit.limit)
  return redis.call('ZCARD', key.permits(permit.key)) >= permit.limit
end

-- The start that must be a window old before one more may follow all that are made and planned after `from`.
local function next_start(permit, starts, from)
  local before = redis.call('ZCOUNT', key.ratePlans(permit.key), '-inf', from)
  local planned = redis.call('ZCARD', key.ratePlans(permit.key)) - before
  local at = starts + planned - permit.limit
  local last = at < starts and redis.call('ZRANGE', key.rateStarts(permit.key), at, at, 'WITHSCORES')
    or redis.call('ZRANGE', key.ratePlans(permit.key), before + at - starts, before + at - starts, 'WITHSCORES')
  return math.max(tonumber(last[2]) + permit.perMs, redis_now + 1)
end

-- When the job may start: nil for now, else ms.
local function planned_start(permit)
  local starts_key, plans = key.rateStarts(permit.key), key.ratePlans(permit.key)
  redis.call('ZREMRANGEBYSCORE', starts_key, '-inf', redis_now - permit.perMs)
  redis.call('ZREMRANGEBYSCORE', plans, '-inf', redis_now - 3600000)
  local had_plan = redis.call('ZREM', plans, id) == 1
  local starts = redis.call('ZCARD', starts_key)
  if starts < permit.limit and (had_plan or redis.call('ZCARD', plans) + starts < permit.limit) then return nil end
  return next_start(permit, starts, had_plan and redis_now or '-inf')
end

local wanted = cjson.decode(permits)
for _, permit in ipairs(wanted) do
  if permit.kind == 'concurrency' and full(permit) then
    local waited = redis.call('HGET', record, 'handed')
    park(permit.key)
    redis.call(waited and 'LPUSH' or 'RPUSH', key.held(permit.key), id)
    redis.call('SADD', key.heldKeys(), permit.key)
    return 'held'
  end
end
for _, permit in ipairs(wanted) do
  local due = permit.kind == 'rate' and planned_start(permit)
  if due then
    release(id)
    redis.call('ZADD', key.ratePlans(permit.key), due, id)
    redis.call('PEXPIRE', key.ratePlans(permit.key), string.format('%.0f', due - redis_now + 3600000))
    park('')
    redis.call('HSET', record, 'due_at', string.format('%.0f', due))
    redis.call('ZADD', key.delayed(), string.format('%.0f', due), id)
    redis.call('PUBLISH', key.wakeDelayed(), string.format('%.0f', due))
    return 'held'
  end
end
for _, permit in ipairs(wanted) do
  if permit.kind == 'concurrency' then
    redis.call('ZADD', key.permits(permit.key), redis_now, id)
  else
    redis.call('ZADD', key.rateStarts(permit.key), redis_now, id .. ':' .. delivery)
    redis.call('PEXPIRE', key.rateStarts(permit.key), permit.perMs)
  end
end
redis.call('HDEL', record, 'handed', 'due_at')
return 'granted'
