-- Takes or renews the lock of the process that does the maintenance for all others: the first that asks holds it for `holdMs`,
-- and renews it by asking again in time. Maintenance may be done twice: where the key is of another type, all do it.
-- @args duty owner holdMs
-- @reply 0 when the owner holds it, else ms until it may be free
local name = key.duty(duty)
local holder = redis.pcall('GET', name)
if holder == owner then
  redis.call('PEXPIRE', name, holdMs)
elseif not holder then
  redis.call('SET', name, owner, 'PX', holdMs)
elseif type(holder) == 'string' then
  local left = redis.call('PTTL', name)
  if left >= 0 then return math.max(left, 1) end
  redis.call('SET', name, owner, 'PX', holdMs)
end
return 0
