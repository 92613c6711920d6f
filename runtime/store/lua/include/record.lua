-- A job's record, and the unique lock that lives as long as it does.
-- The key of the lock that a job holds, or nil.
local function lock_of(id)
  local lock = redis.pcall('HGET', key.job(id), 'unique')
  return type(lock) == 'string' and redis.pcall('GET', key.unique(lock)) == id and key.unique(lock) or nil
end

local function drop_lock(id)
  local lock = lock_of(id)
  if lock then redis.call('DEL', lock) end
end

-- A record that is to expire takes its lock along.
local function expire_record(id, ms)
  redis.call('PEXPIRE', key.job(id), ms)
  local lock = lock_of(id)
  if lock then redis.call('PEXPIRE', lock, ms) end
end

local function keep_record(id)
  redis.call('PERSIST', key.job(id))
  local lock = lock_of(id)
  if lock then redis.call('PERSIST', lock) end
end
