-- Looks after the lines of limits: what vanished jobs held or waited for goes to those who wait, and the heads of rate lines
-- have a time at which they are looked at.
-- @include limit-slots
-- @args count
-- @reply {how many limits have a line, 1 when a line could go on}
local function limit_of(id, kind, limit_key)
  for _, limit in ipairs(id and limits_of(id) or {}) do
    if limit.key == limit_key and limit.kind == kind then return limit end
  end
end

for _, limit_key in ipairs(not wrong('heldKeys') and redis.call('SRANDMEMBER', key.heldKeys(), count) or {}) do
  local limit = limit_of(redis.pcall('ZRANGE', key.held(limit_key), 0, 0)[1], 'concurrency', limit_key)
  reclaim_slots(limit_key)
  grant_next(limit_key, limit and limit.limit or 1)
end
for _, limit_key in ipairs(not wrong('rateKeys') and redis.call('SRANDMEMBER', key.rateKeys(), count) or {}) do
  local line = key.rateLine(limit_key)
  local limit = limit_of(redis.pcall('ZRANGE', line, 0, 0)[1], 'rate', limit_key)
  if wrong('rateLine', limit_key) or limit and rate_wrong(limit) then
    limit = nil
  elseif limit then
    drop_lost_waiters(limit)
    for rank, id in ipairs(redis.call('ZRANGE', line, 0, math.min(limit.limit, 20) - 1)) do
      if not redis.call('ZSCORE', key.delayed(), id) then plan_start(limit, rank - 1) end
    end
  else
    redis.call('ZREMRANGEBYRANK', line, 0, 0)
  end
  if redis.call('EXISTS', line) == 0 then redis.call('SREM', key.rateKeys(), limit_key) end
end
local lines = (tonumber(redis.pcall('SCARD', key.heldKeys())) or 0) + (tonumber(redis.pcall('SCARD', key.rateKeys())) or 0)
return { lines, grants_left == 0 and 1 or 0 }
