-- What a script has counted about a run is written here, once; and here a run ends.
-- @include run-node archive memory push
local function run_status(run, to)
  redis.call('HSET', key.run(run.id), 'status', to)
  redis.call('ZREM', key.runsIs(run.status), run.id)
  redis.call('ZADD', key.runsIs(to), run.created, run.id)
  redis.pcall('ZREM', key.runsIsOf(run.status, run.class), run.id)
  redis.pcall('ZADD', key.runsIsOf(to, run.class), run.created, run.id)
  run.status = to
  if to == 'running' then
    redis.call('HDEL', key.run(run.id), 'ended_at')
    redis.call('ZREM', key.runsExpiring(), run.id)
  else
    redis.call('HSET', key.run(run.id), 'ended_at', run.now)
    pcall(archive_run, run.id)
    local memory = memory_of(run.id)
    if memory then memory_clock(memory) end
    if run.ttl > 0 then redis.call('ZADD', key.runsExpiring(), run.now + run.ttl, run.id) end
  end
end

-- True when this run may be under way: its class is not unique, or no other run of it is.
local function claim_unique(run)
  if not run.unique then return true end
  return redis.call('SET', key.runUnique(run.unique), run.id, 'NX') or redis.call('GET', key.runUnique(run.unique)) == run.id
end

local function release_unique(run)
  if run.unique and redis.call('GET', key.runUnique(run.unique)) == run.id then redis.call('DEL', key.runUnique(run.unique)) end
end

-- Leaves the rest of a long move for run-continue, which any supervisor calls: a crash loses nothing (promise 13).
-- The first word of what is left is data that earlier versions have written, so it keeps its name: tell, roots, grow, resume.
local function leave(run, ...)
  redis.call('RPUSH', key.advancing(), table.concat({ run.id, ... }, ' '))
  add(run.totals, 'advancing', 1)
  run.left = true
end

-- A step that cannot be queued fails with the reason. By then the script has written, and Redis takes nothing back; those
-- that hang on the step are told by run-continue.
local function refuse_step(run, index, why)
  local node = read_node(run, index)
  if not node or not move(run, node, 'failed') then return end
  node.ended = run.now
  redis.call('HSET', key.runFailed(run.id), node.index,
    cjson.encode({ name = 'NoQueueError', message = why }))
  if not has(node, FAILED_BEFORE) then leave(run, 'tell', node.index, 0, 'failed') end
  raise(node, FAILED_BEFORE)
  write_node(run, node)
end

-- Steps carry their identity in their arguments, so they need no ids; one RPUSH a queue.
local function push_items(run)
  for queue, items in pairs(run.items) do
    local pushed = redis.pcall('RPUSH', key.queue(queue), unpack(items))
    if type(pushed) == 'table' and pushed.err then
      local why = 'its queue takes no jobs: expected a list at its key, Redis says ' .. pushed.err
      for _, item in ipairs(items) do
        refuse_step(run, tonumber(string.match(item, '^{"class":"ResqueRuntime::Step","args":%["[^"]*","(%d+)"')), why)
      end
    else
      drop_left_over_ids(queue, pushed, #items)
      add_queue(queue)
      wake_workers(queue, #items)
    end
  end
  for _, index in ipairs(run.refused) do
    refuse_step(run, index, 'it has no queue: expected JSON with a class and a queue in ' .. key.runKinds(run.id) .. '; destroy the run')
  end
end

-- A counter that is no number counts from nought.
local function count_up(name, field, n)
  if n ~= 0 and type(redis.pcall('HINCRBY', name, field, n)) == 'table' then redis.call('HSET', name, field, math.max(n, 0)) end
end

local function run_flush(run)
  push_items(run)
  for field, n in pairs(run.tally) do count_up(key.runTally(run.id), field, n) end
  for field, n in pairs(run.totals) do count_up(key.run(run.id), field, n) end
  run.tally, run.totals, run.items, run.refused = {}, {}, {}, {}
  local left = redis.call('HMGET', key.run(run.id), 'queued', 'delayed', 'running', 'advancing', 'failed', 'waiting')
  for i = 1, 6 do left[i] = tonumber(left[i]) or 0 end
  if run.status == 'stopped' and left[3] == 0 then release_unique(run) end
  if run.status ~= 'running' or left[1] + left[2] + left[3] + left[4] > 0 then return end
  run_status(run, (left[5] > 0 or left[6] > 0) and 'failed' or 'finished')
  release_unique(run)
  redis.pcall('PUBLISH', key.ended(run.id), run.status)
end
