-- Keeps a run's memory this long after the run's end at least.
-- @include memory
-- @args id prefix ttlMs
-- @reply 'ok'
local mode, ms, own = string.match(redis.call('HGET', key.run(id), 'memory') or '', '^(%S+) (%d+) (.+)$')
if mode and tonumber(ms) < tonumber(ttlMs) then redis.call('HSET', key.run(id), 'memory', mode .. ' ' .. ttlMs .. ' ' .. own) end
local memory = memory_of(id, prefix, ttlMs)
memory.ttl = tonumber(ttlMs)
memory_clock(memory)
return 'ok'
