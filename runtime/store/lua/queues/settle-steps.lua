-- Records good ends of steps, several in one call, each as settle.lua does it: fenced and by itself (promises 1, 3, 4). Memory, additions and vetoes of
-- steps are for settle.lua. Each end reaches at least `EACH` of its children; beyond that all share what one may reach, and run-continue does the rest.
-- @include run-batch record-ends run-step
-- @args supervisor now failedMax ends
-- @rest outputs
-- `ends`: see include/record-ends.lua. `outputs`: of each of these steps, JSON text or ''.
-- @reply 'more' when run-continue has something to go on with, else 'all'; then for each: 'ok' | 'lost' | 'other' when settle.lua must record it |
-- 'error <why>' when its job has ended and its run could not be told
local EACH = 4
local budget, steps = BATCH, {}

function steps.accepts(step)
  return shared_run(string.match(step, '^%S+'), now) ~= nil
end

local function tell_run(step, job, output)
  local id, index = string.match(step, '^(%S+) (%d+)$')
  local run = shared_run(id, now)
  local node = owned_node(run, index, job)
  if not node then return end
  finish_node(run, node, output)
  run.todo = { { node.index, 0, 'finished', node } }
  local most = math.max(budget, EACH)
  budget = budget - most + run_propagate(run, most)
end

function steps.ended(i, job, step)
  local good, why = pcall(tell_run, step, job, outputs[i])
  return good and 'ok' or 'error ' .. tostring(type(why) == 'table' and why.err or why)
end

local replies = record_ends(supervisor, now, failedMax, ends, steps)
return { flush_runs() and 'more' or 'all', unpack(replies) }
