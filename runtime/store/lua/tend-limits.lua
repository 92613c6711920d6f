-- Looks after the lines of limits: what vanished jobs held or waited for goes to those who wait, and the heads of rate lines
-- have a time at which they are looked at.
-- @include permits
-- @args count
-- @reply how many limits have a line
local function permit_of(id, kind, limit_key)
  for _, permit in ipairs(id and permits_of(id) or {}) do
    if permit.key == limit_key and permit.kind == kind then return permit end
  end
end

local function tend_line(limit_key)
  local permit = permit_of(redis.call('ZRANGE', key.held(limit_key), 0, 0)[1], 'concurrency', limit_key)
  drop_lost(limit_key)
  hand_on(limit_key, permit and permit.limit or 1)
end

local function tend_rate_line(limit_key)
  local line = key.rateLine(limit_key)
  local permit = permit_of(redis.call('ZRANGE', line, 0, 0)[1], 'rate', limit_key)
  if permit then
    drop_vanished(permit)
    for rank, id in ipairs(redis.call('ZRANGE', line, 0, math.min(permit.limit, 20) - 1)) do
      if not redis.call('ZSCORE', key.delayed(), id) then plan_start(permit, rank - 1) end
    end
  else
    redis.call('ZREMRANGEBYRANK', line, 0, 0)
  end
  if redis.call('EXISTS', line) == 0 then redis.call('SREM', key.rateKeys(), limit_key) end
end

-- A limit whose keys cannot be read must not hold up the others.
for _, limit_key in ipairs(redis.call('SRANDMEMBER', key.heldKeys(), count)) do pcall(tend_line, limit_key) end
for _, limit_key in ipairs(redis.call('SRANDMEMBER', key.rateKeys(), count)) do pcall(tend_rate_line, limit_key) end
return redis.call('SCARD', key.heldKeys()) + redis.call('SCARD', key.rateKeys())
