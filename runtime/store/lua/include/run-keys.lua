-- Every key of one run, and its removal. UNLINK frees large ones outside Redis's main thread.
-- @include memory types
local function run_keys(id)
  local names = {
    key.run(id), key.runTable(id), key.runChildren(id), key.runParents(id), key.runMore(id), key.runKinds(id), key.runTally(id),
    key.runParams(id), key.runLabels(id), key.runOutputs(id), key.runFailed(id), key.runRetrying(id), key.runHeld(id),
    key.runOwners(id), key.runMoves(id),
  }
  local memory = memory_of(id)
  if memory then
    names[#names + 1] = memory.values
    names[#names + 1] = memory.by
  end
  return names
end

local function remove_run(id)
  check('runs')
  check('runsExpiring')
  local meta = redis.call('HMGET', key.run(id), 'status', 'class', 'unique')
  redis.call('UNLINK', unpack(run_keys(id)))
  redis.call('ZREM', key.runs(), id)
  redis.call('ZREM', key.runsExpiring(), id)
  if not meta[1] then return end
  redis.pcall('ZREM', key.runsIs(meta[1]), id)
  redis.pcall('ZREM', key.runsOf(meta[2]), id)
  redis.pcall('ZREM', key.runsIsOf(meta[1], meta[2]), id)
  if meta[3] and redis.pcall('GET', key.runUnique(meta[3])) == id then redis.call('DEL', key.runUnique(meta[3])) end
end
