-- Adds to the counters of jobs. A hash that is full takes no new name: the count then goes to the name given beside it, so
-- that the number of fields is bounded whatever classes and queues there are.
-- @include types
-- @args minute hour maxFields minuteTtlMs hourTtlMs
-- @rest counts
-- @reply 1
-- `counts`: quadruples of target ('total', 'minute', 'hour'), field, field to use when the hash is full, and number
check('metricsTotal')
check('metricsMinute', minute)
check('metricsHour', hour)
local names = {
  total = key.metricsTotal(),
  minute = key.metricsMinute(minute),
  hour = key.metricsHour(hour),
}
for i = 1, #counts, 4 do
  local name, field = names[counts[i]], counts[i + 1]
  if redis.call('HEXISTS', name, field) == 0 and redis.call('HLEN', name) >= tonumber(maxFields) then
    field = counts[i + 2]
  end
  redis.call('HINCRBY', name, field, counts[i + 3])
end
redis.call('PEXPIRE', names.minute, minuteTtlMs)
redis.call('PEXPIRE', names.hour, hourTtlMs)
return 1
