-- Removes one entry of the failed list in one step (Ruby needs two, and shows a blank between them).
-- @args index digest
-- @reply 'ok' | 'changed'
local entry = redis.call('LINDEX', key.failed(), index)
if not entry or redis.sha1hex(entry) ~= digest then return 'changed' end
local from_tail = tonumber(index) > redis.call('LLEN', key.failed()) / 2
redis.call('LSET', key.failed(), index, '')
redis.call('LREM', key.failed(), from_tail and -1 or 1, '')
return 'ok'
