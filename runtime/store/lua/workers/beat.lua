-- Renews a supervisor's lease in Redis time, and names supervisors whose lease has run out. A lease that has run out
-- is never renewed: its jobs may be another's already (promise 3).
-- @include lease
-- @args supervisor leaseMs heartbeat
-- @rest workers
-- @reply {'ok' | 'fenced', Redis time in ms, how many jobs it has in flight, id of a dead supervisor …}
-- A write that needs no memory comes first: Redis then lets the script go on when its memory is full.
redis.call('ZREM', key.supervisors(), '')
local now, held = redis_ms(), redis.pcall('HLEN', key.inflight(supervisor))
-- Where it cannot be read, the worker looks itself, and says so.
if type(held) ~= 'number' then held = 1 end
local dead = redis.call('ZRANGEBYSCORE', key.supervisors(), '-inf', now, 'LIMIT', 0, 10)
if not owns_lease(supervisor) then return { 'fenced', now, held, unpack(dead) } end
redis.call('ZADD', key.supervisors(), now + tonumber(leaseMs), supervisor)
for _, worker in ipairs(workers) do
  -- Marks for Ruby: where they cannot be set, the lease holds all the same.
  redis.pcall('HSET', key.heartbeats(), worker, heartbeat)
  -- Again each time: a Ruby worker on this host may have taken it for dead, or the reclaim of this process's last lease.
  redis.pcall('SADD', key.workers(), worker)
end
return { 'ok', now, held, unpack(dead) }
