-- Run memory: what steps leave for those that come after, name → JSON text. The run's field `memory` says how it is kept,
-- `<onConflict> <ttl in ms> <prefix>`; a run without it has none. While the run is under way its memory has no clock: however
-- long it takes, it is not lost. After that it has its time to live, which starts again at each use.
local function memory_of(id, prefix, ttl)
  local _, ms, own = string.match(redis.call('HGET', key.run(id), 'memory') or '', '^(%S+) (%d+) (.+)$')
  prefix = own or prefix
  if not prefix then return nil end
  return { id = id, prefix = prefix, values = key.runMemory(prefix, id), by = key.runMemoryBy(prefix, id), ttl = tonumber(ms or ttl) }
end

local function memory_clock(memory)
  local status = redis.call('HGET', key.run(memory.id), 'status')
  local under_way = status and status ~= 'finished'
  for _, name in ipairs({ memory.values, memory.by }) do
    if under_way then
      redis.call('PERSIST', name)
    elseif redis.call('PTTL', name) < memory.ttl then
      redis.pcall('PEXPIRE', name, memory.ttl)
    end
  end
end

-- The name that another step has written since the writer looked, or nil. A step that ends now cannot come after one that
-- wrote while it ran: the two are parallel.
local function memory_conflict(memory, expects)
  for name, owner in pairs(expects or {}) do
    if (redis.call('HGET', memory.by, name) or '') ~= owner then return name end
  end
end

local function memory_put(memory, values, by)
  for name, value in pairs(values or {}) do redis.call('HSET', memory.values, name, value) end
  for name, owner in pairs(by or {}) do redis.call('HSET', memory.by, name, owner) end
end
