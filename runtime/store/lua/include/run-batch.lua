-- The runs of several steps in one call: each is checked and read once, and what is counted of it is written once.
-- @include run-flush
local runs_used, runs_in_order = {}, {}

-- A run, false where it is gone; or nil, and why it cannot be changed.
local function shared_run(id, now)
  local used = runs_used[id]
  if not used then
    local why = wrong_run(id)
    used = { why = why, run = not why and (run_of(id, now) or false) }
    runs_used[id] = used
    if used.run then runs_in_order[#runs_in_order + 1] = used.run end
  end
  if used.why then return nil, used.why end
  return used.run
end

-- @return whether one of them has left something for run-continue
local function flush_runs()
  local left = false
  for _, run in ipairs(runs_in_order) do
    if next(run.totals) or #run.refused > 0 then run_flush(run) end
    left = left or run.left
  end
  return left
end
