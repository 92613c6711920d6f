-- Keeps a run's memory this long after the run's end at least.
-- @include memory types
-- @args id prefix ttlMs
-- @reply 'ok'
local memory = memory_of(id, prefix, ttlMs)
check('runMemory', memory.prefix, id)
check('runMemoryBy', memory.prefix, id)
local mode, ms, own = string.match(redis.call('HGET', key.run(id), 'memory') or '', '^(%S+) (%d+) (.+)$')
if mode and tonumber(ms) < tonumber(ttlMs) then redis.call('HSET', key.run(id), 'memory', mode .. ' ' .. ttlMs .. ' ' .. own) end
memory.ttl = tonumber(ttlMs)
memory_clock(memory)
return 'ok'
