-- Empties a run's memory.
-- @include memory
-- @args id prefix ttlMs
-- @reply how many keys there were
local memory = memory_of(id, prefix, ttlMs)
return redis.call('UNLINK', memory.values, memory.by)
