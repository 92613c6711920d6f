-- Removes a run that is not under way, whole.
-- @include run-keys
-- @args id
-- @reply 'ok' | 'gone' | 'running'
local state = redis.call('HMGET', key.run(id), 'status', 'running')
if not state[1] then return 'gone' end
if state[1] == 'running' or tonumber(state[2] or 0) > 0 then return 'running' end
remove_run(id)
return 'ok'
