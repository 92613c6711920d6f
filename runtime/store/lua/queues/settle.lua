-- Records the end of a job for good, in one step with its leaving the in-flight record (promise 1).
-- `state`: done | failed | discarded | refused | cancelled. `entry`: the failed list's JSON when it failed, else ''.
-- `fields`: JSON object of strings to keep on the record (cause, error, evidence, result).
-- A workflow step's end reaches its run in the same step (promise 4); `output` and `extra` (JSON object or '') are its, see include/run-step.lua.
-- @include settled lease run-step
-- @args supervisor worker id delivery now failedAt state entry failedMax ttlMs fields output extra
-- @reply 'conflict <key>' and nothing is recorded: a parallel step wrote it | 'grown' and nothing is recorded: the addition must be planned again | 'ok' | 'more' when run-continue has something to go on with | 'lost' when the job is no longer this supervisor's
local step = redis.call('HGET', key.job(id), 'step')
-- Read before anything is let go: what cannot be read must not leave a job without an end.
local more = extra ~= '' and cjson.decode(extra) or {}
local written = cjson.decode(fields)
-- Where the run is broken, a good end is refused, and the caller records a failure that says so.
if step and state == 'done' then check_run(string.match(step, '^%S+')) else step = usable_step(step) end
if entry ~= '' then check('failed') end
local conflict = step_conflict(step, more)
if conflict then return 'conflict ' .. conflict end
if step and more.grow and graph_changed(step, more.grow) then return 'grown' end
if not owns_lease(supervisor) or not let_go(supervisor, worker, id, delivery) then return 'lost' end
local kept = {}
for field, value in pairs(written) do
  kept[#kept + 1] = field
  kept[#kept + 1] = value
end
if entry ~= '' then fail(entry, failedMax) end
count(worker, state == 'failed')
local reach = step and run_step_end(step, id, state, now, output, more)
finish(id, state, now, ttlMs, kept)
return reach == 'more' and 'more' or 'ok'
