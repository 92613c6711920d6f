-- Of some unique locks, names those that are stale, and the jobs that had them.
-- @include unique
-- @rest locks
-- @reply {lock, id, …}
local stale = {}
for _, lock in ipairs(locks) do
  local id = redis.pcall('GET', key.unique(lock))
  if type(id) == 'string' and not is_held(id, lock) then
    stale[#stale + 1] = lock
    stale[#stale + 1] = id
  end
end
return stale
