-- Takes or renews resque-scheduler's master lock, by compare, and looks at all that a scheduler must know at each turn,
-- in one call. Ruby takes the lock with SETNX, so any time to live will do; ours is short, for a quick take-over.
-- It also notes that this scheduler lives, and the zone of its machine: lines without a zone mean another time there.
-- @args lockPrefix owner ttlMs zone
-- @reply {1 when owner leads, holder, its time to live in ms, due ms in the millisecond set or '', second of the first
--   bucket or '', changed names in Ruby's set, {`<zone> <owner>` of each living scheduler of this runtime}}
local lock = key.schedulerLock(lockPrefix)
local won = redis.call('SET', lock, owner, 'NX', 'PX', ttlMs)
local holder = won and owner or redis.call('GET', lock)
if holder == owner then redis.call('PEXPIRE', lock, ttlMs) end
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
redis.pcall('ZREMRANGEBYSCORE', key.schedulers(), '-inf', now)
redis.pcall('ZADD', key.schedulers(), now + 10000, zone .. ' ' .. owner)
redis.pcall('PEXPIRE', key.schedulers(), 10000)
local living = redis.pcall('ZRANGE', key.schedulers(), 0, 99)
return {
  holder == owner and 1 or 0, holder, redis.call('PTTL', lock),
  redis.pcall('ZRANGE', key.delayed(), 0, 0, 'WITHSCORES')[2] or '',
  redis.pcall('ZRANGE', key.delayedSchedule(), 0, 0, 'WITHSCORES')[2] or '',
  tonumber(redis.pcall('SCARD', key.schedulesChanged())) or 0, living.err and {} or living,
}
