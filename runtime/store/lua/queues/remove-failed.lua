-- Removes one entry of the failed list in one step (Ruby needs two, and shows a blank between them).
-- @include failed-remove
-- @args index digest
-- @reply 'ok' | 'changed'
local entry = redis.call('LINDEX', key.failed(), index)
if not entry or redis.sha1hex(entry) ~= digest then return 'changed' end
remove_failed(index)
return 'ok'
