-- Looks after the lines of limits: what vanished jobs held or waited for goes to those who wait, and the heads of rate lines
-- have a time at which they are looked at.
-- @include permits
-- @args count
-- @reply {how many limits have a line, 1 when a line could go on}
local function permit_of(id, kind, limit_key)
  for _, permit in ipairs(id and permits_of(id) or {}) do
    if permit.key == limit_key and permit.kind == kind then return permit end
  end
end

for _, limit_key in ipairs(not wrong('heldKeys') and redis.call('SRANDMEMBER', key.heldKeys(), count) or {}) do
  local permit = permit_of(redis.pcall('ZRANGE', key.held(limit_key), 0, 0)[1], 'concurrency', limit_key)
  drop_lost(limit_key)
  grant_next(limit_key, permit and permit.limit or 1)
end
for _, limit_key in ipairs(not wrong('rateKeys') and redis.call('SRANDMEMBER', key.rateKeys(), count) or {}) do
  local line = key.rateLine(limit_key)
  local permit = permit_of(redis.pcall('ZRANGE', line, 0, 0)[1], 'rate', limit_key)
  if wrong('rateLine', limit_key) or permit and rate_wrong(permit) then
    permit = nil
  elseif permit then
    drop_vanished(permit)
    for rank, id in ipairs(redis.call('ZRANGE', line, 0, math.min(permit.limit, 20) - 1)) do
      if not redis.call('ZSCORE', key.delayed(), id) then plan_start(permit, rank - 1) end
    end
  else
    redis.call('ZREMRANGEBYRANK', line, 0, 0)
  end
  if redis.call('EXISTS', line) == 0 then redis.call('SREM', key.rateKeys(), limit_key) end
end
local lines = (tonumber(redis.pcall('SCARD', key.heldKeys())) or 0) + (tonumber(redis.pcall('SCARD', key.rateKeys())) or 0)
return { lines, grants_left == 0 and 1 or 0 }
