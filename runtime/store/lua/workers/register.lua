-- Registers a supervisor and its workers, and gives it its first lease, in one step: wherever its process dies, the lease
-- that runs out leads to every worker that was registered (reclaim.lua).
-- @include lease types
-- @args supervisor leaseMs heartbeat started about
-- @rest workers
-- `about` is a JSON object of strings, `slots` among them.
-- @reply Redis time in ms
local described = cjson.decode(about)
check('supervisor', supervisor)
check('supervisors')
-- A write that needs no memory comes first: Redis then lets the script go on when its memory is full.
redis.call('ZREM', key.supervisors(), '')
local now = redis_ms()
for field, value in pairs(described) do redis.call('HSET', key.supervisor(supervisor), field, value) end
redis.call('ZADD', key.supervisors(), now + tonumber(leaseMs), supervisor)
for _, worker in ipairs(workers) do
  -- Marks for Ruby: where they cannot be set, the lease holds all the same.
  redis.pcall('SADD', key.workers(), worker)
  redis.pcall('HSET', key.heartbeats(), worker, heartbeat)
  redis.pcall('SET', key.workerStarted(worker), started)
end
return now
