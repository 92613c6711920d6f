-- What becomes of a run when the item of one of its steps is taken off a queue for good: its node fails, and a continue
-- queues it again. Counts on the script's argument `now`.
-- @include settled run-step

local function step_of(item)
  if string.sub(item, 1, 31) ~= '{"class":"ResqueRuntime::Step",' then return nil end
  local good, step = pcall(cjson.decode, item)
  local args = good and step.args
  if type(args) == 'table' then return tostring(args[1]), tonumber(args[2]) or -1 end
end

-- To be called before anything of these items is taken off.
local function check_steps(items)
  local seen = {}
  for _, item in ipairs(items) do
    local run = step_of(item)
    if run and not seen[run] then check_run(run) end
    seen[run or ''] = true
  end
end

-- Ends a step's node, `why` in words, and returns the job that ends with it: the `id` that was found, else the one that has the
-- node and waits. A node is `delayed`, not `queued`, while its job is back from a wait, a retry's delay, a snooze or a limit.
local function cancel_step(item, id, why)
  local run_id, index = step_of(item)
  local run = run_id and run_of(run_id, now)
  local node = run and read_node(run, index)
  if not node then return id end
  local error = cjson.encode({ name = 'Cancelled', message = why })
  if not id then
    local owner = redis.call('HGET', key.runOwners(run.id), node.index)
    if owner and redis.pcall('HGET', key.job(owner), 'state') == 'waiting' then id = owner end
  end
  if id and run_step_end(run.id .. ' ' .. node.index, id, 'cancelled', now, '', { error = error }) then return id end
  if node.state == 'queued' then
    fail_node(run, node, error)
    run_flush(run)
  end
  return id
end
