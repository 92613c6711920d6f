-- What an idle worker whose queue list has wildcards asks at each poll, in one call. Writes nothing.
-- @args listed
-- @rest names
-- @reply {how many of these queues have jobs, paused or not; how many queues there are; with `listed` 1 their names, …}
for i, name in ipairs(names) do names[i] = key.queue(name) end
local waiting = #names > 0 and redis.call('EXISTS', unpack(names)) or 0
return { waiting, redis.call('SCARD', key.queues()), listed == '1' and redis.call('SMEMBERS', key.queues()) or nil }
