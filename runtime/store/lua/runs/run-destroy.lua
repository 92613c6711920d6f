-- Removes a run that is not under way, whole; also one of which a key is gone or of another type, since it cannot go on.
-- @include run-keys run-node
-- @args id
-- @reply 'ok' | 'gone' | 'running'
if wrong('run', id) then
  redis.call('UNLINK', key.run(id))
  remove_run(id)
  return 'ok'
end
local state = redis.call('HMGET', key.run(id), 'status', 'running')
if not state[1] then return 'gone' end
if (state[1] == 'running' or tonumber(state[2] or 0) > 0) and not wrong_run(id) then return 'running' end
remove_run(id)
return 'ok'
