-- Writes to a run's memory; from inside a step only while the step's job owns its node (promise 3).
-- `values`: JSON object, name → JSON text; `by` and `expects`: name → the node that wrote it, '' for none.
-- @include memory types
-- @args id prefix ttlMs job node values by expects
-- @reply 'ok' | 'lost' | 'conflict' and the name
if job ~= '' and redis.call('HGET', key.runOwners(id), node) ~= job then return { 'lost' } end
local memory = memory_of(id, prefix, ttlMs)
check('runMemory', memory.prefix, id)
check('runMemoryBy', memory.prefix, id)
local conflict = memory_conflict(memory, cjson.decode(expects))
if conflict then return { 'conflict', conflict } end
memory_put(memory, cjson.decode(values), cjson.decode(by))
memory_clock(memory)
return { 'ok' }
