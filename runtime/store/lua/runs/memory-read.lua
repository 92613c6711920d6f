-- Reads names of a run's memory, or all of it; with `owners` = 1 also who wrote them.
-- @include memory types
-- @args id prefix ttlMs all owners
-- @rest names
-- @reply {name, JSON text, …}, {name, node, …}
local memory = memory_of(id, prefix, ttlMs)
check('runMemory', memory.prefix, id)
check('runMemoryBy', memory.prefix, id)
memory_clock(memory)
local found = {}
if all == '1' then
  found = redis.call('HGETALL', memory.values)
else
  for _, name in ipairs(names) do
    local value = redis.call('HGET', memory.values, name)
    if value then
      found[#found + 1] = name
      found[#found + 1] = value
    end
  end
end
return { found, owners == '1' and redis.call('HGETALL', memory.by) or {} }
