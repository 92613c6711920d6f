-- Removes the entry at an index of the failed list, from the nearer end.
local function remove_failed(at)
  local from_tail = tonumber(at) > redis.call('LLEN', key.failed()) / 2
  redis.call('LSET', key.failed(), at, '')
  redis.call('LREM', key.failed(), from_tail and -1 or 1, '')
end
