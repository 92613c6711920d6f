-- Takes or renews resque-scheduler's master lock, by compare, and looks at all that a scheduler must know at each turn,
-- in one call. Ruby takes the lock with SETNX, so any time to live will do; ours is short, for a quick take-over.
-- @args lockPrefix owner ttlMs
-- @reply {1 when owner leads, holder, its time to live in ms, due ms in the millisecond set or '', second of the first
--   bucket or '', changed names in Ruby's set}
local lock = key.schedulerLock(lockPrefix)
local won = redis.call('SET', lock, owner, 'NX', 'PX', ttlMs)
local holder = won and owner or redis.call('GET', lock)
if holder == owner then redis.call('PEXPIRE', lock, ttlMs) end
return {
  holder == owner and 1 or 0, holder, redis.call('PTTL', lock),
  redis.pcall('ZRANGE', key.delayed(), 0, 0, 'WITHSCORES')[2] or '',
  redis.pcall('ZRANGE', key.delayedSchedule(), 0, 0, 'WITHSCORES')[2] or '',
  tonumber(redis.pcall('SCARD', key.schedulesChanged())) or 0,
}
