-- Looks after the lines of concurrency limits: permits of jobs that vanished come free, and go to those who wait.
-- @include permits
-- @args count
-- @reply how many limits have a line
for _, limit_key in ipairs(redis.call('SRANDMEMBER', key.heldKeys(), count)) do
  local first = redis.call('LINDEX', key.held(limit_key), 0)
  local asked = first and redis.call('HGET', key.job(first), 'permits')
  drop_lost(limit_key)
  local limit = 1
  for _, permit in ipairs(asked and cjson.decode(asked) or {}) do
    if permit.key == limit_key and permit.kind == 'concurrency' then limit = permit.limit end
  end
  hand_on(limit_key, limit)
end
return redis.call('SCARD', key.heldKeys())
