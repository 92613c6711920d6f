-- Takes or renews the lock of the process that does the maintenance for all others: the first that asks holds it for `holdMs`,
-- and renews it by asking again in time. Maintenance may be done twice: where the key is of another type, all do it.
-- @args duty owner holdMs
-- @reply 0 when the owner holds it, else ms until it may be free
local name = key.duty(duty)
if redis.call('SET', name, owner, 'NX', 'PX', holdMs) then return 0 end
local holder = redis.pcall('GET', name)
if type(holder) == 'string' and holder ~= owner then
  local left = redis.call('PTTL', name)
  if left >= 0 then return math.max(left, 1) end
end
if type(holder) == 'string' then redis.call('SET', name, owner, 'PX', holdMs) end
return 0
