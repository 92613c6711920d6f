-- The end of one delivery of a step, for settle, requeue and reclaim. `step` is the job record's field of that name,
-- `<run> <node>`, written by begin-steps. A job that does not own its node any more changes nothing: no step's end is
-- counted twice, whatever is redelivered (promise 4). Only a cancel ends a step that waits on its queue (`waits`).
-- @include propagate
local function owned_node(run, index, job, waits)
  local node = run and read_node(run, tonumber(index))
  if not node or node.state ~= 'running' and node.state ~= 'delayed' and not (waits and node.state == 'queued') then return nil end
  return redis.call('HGET', key.runOwners(run.id), index) == job and node or nil
end

local function owned_step(step, job, now, waits)
  local id, index = string.match(step, '^(%S+) (%d+)$')
  local run = run_of(id, now)
  return run, owned_node(run, index, job, waits)
end

-- True when the run's graph is no longer the one that an addition was checked against: another step has joined jobs before
-- waiting ones since (`grown` counts that), or a job named in `before` waits no longer. To be asked before anything is recorded.
local function graph_changed(step, staged)
  local id = string.match(step, '^%S+')
  if staged.grown and (redis.call('HGET', key.run(id), 'grown') or '0') ~= staged.grown then return true end
  for _, target in ipairs(staged.before or {}) do
    local node = read_node({ id = id }, target[1])
    if not node or node.state ~= 'waiting' then return true end
  end
  return false
end

-- Nodes that the step staged join the run: those named in its `before` wait for them, too.
local function grow(run, staged)
  for _, target in ipairs(staged.before or {}) do
    local node = read_node(run, target[1])
    local field = 'p' .. node.index
    local parents = { redis.call('HGET', key.runMore(run.id), field) or '' }
    for _, range in ipairs(target[2]) do
      node.open = node.open + range[2]
      parents[#parents + 1] = struct.pack('<II', range[1], range[2])
    end
    redis.call('HSET', key.runMore(run.id), field, table.concat(parents))
    raise(node, MORE_PARENTS)
    write_node(run, node)
  end
  if #(staged.before or {}) > 0 then redis.call('HINCRBY', key.run(run.id), 'grown', 1) end
  add(run.totals, 'total', staged.count)
  leave(run, 'grow', staged.from, staged.from + staged.count)
end

local function end_node(run, node, to)
  if not move(run, node, to) then return end
  node.ended = run.now
  redis.call('HDEL', key.runOwners(run.id), node.index)
end

-- `output`: JSON text or ''.
local function finish_node(run, node, output)
  if output ~= '' then redis.call('HSET', key.runOutputs(run.id), node.index, output) end
  end_node(run, node, 'finished')
  write_node(run, node)
end

-- `error`: JSON text.
local function fail_node(run, node, error)
  end_node(run, node, 'failed')
  redis.call('HSET', key.runFailed(run.id), node.index, error)
  if not has(node, FAILED_BEFORE) then table.insert(run.todo, { node.index, 0, 'failed' }) end
  raise(node, FAILED_BEFORE)
  write_node(run, node)
  run_propagate(run, BATCH)
end

-- The memory key on which a step's end conflicts with a parallel step's, or nil: to be asked before anything is recorded.
local function step_conflict(step, more)
  local expects = step and more.memory and more.memory.expects
  local memory = expects and memory_of(string.match(step, '^%S+'))
  return memory and memory_conflict(memory, expects)
end

-- What a stop has cancelled is not lost: it waits for the continue, or goes on when that has come already.
local function hold_step(run, node)
  end_node(run, node, 'held')
  if run.status == 'running' then
    make_ready(run, node, true)
  else
    redis.call('RPUSH', key.runHeld(run.id), node.index)
  end
  write_node(run, node)
end

-- `state` as settle has it: done, refused and discarded let the children go on; failed and cancelled block them.
-- `output`: as in finish_node. `more`: {error: JSON text, force_skip: true, grow: {from, count, before: [[node, [[first new parent, count]…]]…], grown},
-- memory: {values, by, expects}} as in memory-write.
local function run_step_end(step, job, state, now, output, more)
  local run, node = owned_step(step, job, now, state == 'cancelled')
  if not node then return nil end
  if state == 'cancelled' and (run.status ~= 'running' or redis.call('HEXISTS', key.job(job), 'stopped') == 1) then
    hold_step(run, node)
  elseif state == 'failed' or state == 'cancelled' then
    fail_node(run, node, more.error or '{"name":"Cancelled","message":"cancelled"}')
  else
    local memory = more.memory and memory_of(run.id)
    if memory then memory_put(memory, more.memory.values, more.memory.by) end
    finish_node(run, node, output)
    if more.grow then grow(run, more.grow) end
    table.insert(run.todo, { node.index, 0, more.force_skip and 'vetoed' or 'finished' })
    run_propagate(run, BATCH)
  end
  run_flush(run)
  return run.left and 'more' or 'all'
end

-- A delivery that ended without ending the step: `delayed` until a later attempt, or back on its queue.
local function run_step_back(step, job, now, delayed, failed, due)
  local run, node = owned_step(step, job, now)
  if not node then return end
  if failed then note(run, node, 'attempt_failed') end
  run.due = delayed and due
  move(run, node, delayed and 'delayed' or 'queued')
  write_node(run, node)
  run_flush(run)
end
