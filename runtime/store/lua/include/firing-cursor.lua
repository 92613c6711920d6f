-- A firing is fenced by its entry and its fire time: the cursor only moves forward, so two schedulers that both think
-- they lead enqueue it once (promise 5). A year and a bit after an entry's last sign of life its record goes.
local function is_next(name, slot)
  local cursor = redis.call('HGET', key.schedule(name), 'cursor')
  return not cursor or tonumber(slot) > tonumber(cursor)
end

local function advance(name, slot, next)
  redis.call('HSET', key.schedule(name), 'cursor', slot, 'next', next)
  redis.call('EXPIRE', key.schedule(name), 34560000)
end

local function note_missed(name, count, slot, reason, note)
  redis.call('HINCRBY', key.schedule(name), 'missed', count)
  redis.call('HSET', key.schedule(name), 'missed_slot', slot, 'missed_reason', reason)
  redis.call('RPUSH', key.missedFirings(), note)
  redis.call('LTRIM', key.missedFirings(), -1000, -1)
end
