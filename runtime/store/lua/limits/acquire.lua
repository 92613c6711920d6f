-- Gives a job that was taken the permits it needs before it performs: all, or none. Without them it is no longer in flight
-- and waits for its turn, in one step: in the line of a concurrency limit, or in that of a rate limit.
-- @include settled run-step
-- @args supervisor worker id delivery now permits failedAt
-- @reply 'granted' | 'held' | 'lost'
local mine = redis.call('HGET', key.inflight(supervisor), id)
if not owns_lease(supervisor) or not mine or string.match(mine, '^%d+') ~= delivery then return 'lost' end
-- A write that needs no memory comes first: Redis then lets the script go on when its memory is full.
redis.call('SREM', key.heldKeys(), '')
local record, wanted = key.job(id), cjson.decode(permits)
local turn, step = unpack(redis.call('HMGET', record, 'turn', 'step'))
turn = turn or 0
if step then check_run(string.match(step, '^%S+')) end
check('rateKeys')
for _, permit in ipairs(wanted) do
  if permit.kind == 'concurrency' then
    check('permits', permit.key)
    check('held', permit.key)
  else
    local why = rate_wrong(permit)
    if why then error(why, 0) end
  end
end
redis.call('HSET', record, 'permits', permits)

local function park(held_by)
  let_go(supervisor, worker, id, delivery)
  redis.call('HINCRBY', record, 'attempt', -1)
  redis.call('HDEL', record, 'worker', 'run_at')
  redis.call('HSET', record, 'state', 'held', 'held_by', held_by)
  -- It has not started after all: a lock that its start gave up is its own again, unless another job took it meanwhile.
  local lock, lasts_until = unpack(redis.call('HMGET', record, 'unique', 'unique_until'))
  if lasts_until == 'start' then redis.call('SET', key.unique(lock), id, 'NX') end
  if step then run_step_back(step, id, now, true) end
end

local function full(permit)
  if redis.call('ZSCORE', key.permits(permit.key), id) then return false end
  grant_next(permit.key, permit.limit)
  if redis.call('ZCARD', key.permits(permit.key)) < permit.limit then return false end
  drop_lost(permit.key)
  grant_next(permit.key, permit.limit)
  return redis.call('ZCARD', key.permits(permit.key)) >= permit.limit
end

local function must_wait(permit)
  local line = key.rateLine(permit.key)
  redis.call('ZADD', line, turn, id)
  if rate_due(permit, redis.call('ZRANK', line, id)) == 0 then return false end
  drop_vanished(permit)
  return rate_due(permit, redis.call('ZRANK', line, id)) ~= 0
end

for _, permit in ipairs(wanted) do
  if permit.kind == 'concurrency' and full(permit) then
    park(permit.key)
    redis.call('ZADD', key.held(permit.key), turn, id)
    redis.call('SADD', key.heldKeys(), permit.key)
    return 'held'
  end
end
for _, permit in ipairs(wanted) do
  if permit.kind == 'rate' and must_wait(permit) then
    for _, other in ipairs(wanted) do
      if other.kind == 'concurrency' then give_back(other, id) end
    end
    park(permit.key)
    redis.call('SADD', key.rateKeys(), permit.key)
    plan_start(permit, redis.call('ZRANK', key.rateLine(permit.key), id))
    return 'held'
  end
end
for _, permit in ipairs(wanted) do
  if permit.kind == 'concurrency' then
    redis.call('ZADD', key.permits(permit.key), redis_ms(), id)
  else
    redis.call('ZADD', key.rateStarts(permit.key), redis_ms(), id .. ':' .. delivery)
    redis.call('PEXPIRE', key.rateStarts(permit.key), permit.perMs)
    leave_rate_line(permit, id)
  end
end
redis.call('HDEL', record, 'due_at', 'held_by')
return 'granted'
