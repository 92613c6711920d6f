-- Takes or keeps a duty, which one process performs for all others: the first that asks has it for `holdMs`, and keeps it by
-- asking again in time. A duty may be performed twice: where its key is of another type, all perform it.
-- @args duty owner holdMs
-- @reply 0 when the owner has it, else ms until it may be free
local name = key.duty(duty)
if redis.call('SET', name, owner, 'NX', 'PX', holdMs) then return 0 end
local holder = redis.pcall('GET', name)
if type(holder) == 'string' and holder ~= owner then
  local left = redis.call('PTTL', name)
  if left >= 0 then return math.max(left, 1) end
end
if type(holder) == 'string' then redis.call('SET', name, owner, 'PX', holdMs) end
return 0
