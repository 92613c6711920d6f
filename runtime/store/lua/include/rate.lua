-- Rate limits: at most `limit` starts in any window of `perMs`. Starts are kept for one window. Who finds no room waits in
-- the limit's line by turn; the first `limit` of the line are also among the delayed jobs, each due when the start that it
-- waits for is a window old. Nobody passes one that stands before him, unless that one has vanished.
-- @include lease types
local UNTAKEN_MS = 30000

-- When the job of this rank (0: the head) may start, 0 for at once; nil while that depends on starts that are still to come.
local function rate_due(limit, rank)
  local now = redis_ms()
  local starts = key.rateStarts(limit.key)
  -- Of a large window that is over only a part is removed; the rest is passed over (promise 13).
  local over = redis.call('ZCOUNT', starts, '-inf', now - limit.perMs)
  if over > 0 then over = over - redis.call('ZREMRANGEBYRANK', starts, 0, math.min(over, 500) - 1) end
  local room = limit.limit - redis.call('ZCARD', starts) + over
  if rank < room then return 0 end
  local start = redis.call('ZRANGE', starts, over + rank - room, over + rank - room, 'WITHSCORES')[2]
  return start and math.max(tonumber(start) + limit.perMs, now + 1)
end

local function rate_wrong(limit)
  return wrong('rateLine', limit.key) or wrong('rateStarts', limit.key) or wrong('delayed')
end

local function plan_start(limit, rank)
  local id = redis.call('ZRANGE', key.rateLine(limit.key), rank, rank)[1]
  local due = id and redis.pcall('HGET', key.job(id), 'state') == 'held' and rate_due(limit, rank)
  if not due then return end
  local text = string.format('%.0f', math.max(due, redis_ms()))
  redis.call('HSET', key.job(id), 'due_at', text)
  redis.call('ZADD', key.delayed(), text, id)
  redis.pcall('PUBLISH', key.wakeDelayed(), text)
end

-- Out of the line; who comes within the first `limit` by that gets a time.
local function leave_rate_line(limit, id)
  if not rate_wrong(limit) and redis.call('ZREM', key.rateLine(limit.key), id) == 1 then plan_start(limit, limit.limit - 1) end
end

-- Jobs at the head that are gone, or were put on a queue from which nobody takes them, lose their turn.
local function drop_lost_waiters(limit)
  for _, id in ipairs(redis.call('ZRANGE', key.rateLine(limit.key), 0, 19)) do
    local state, due = unpack(redis.pcall('HMGET', key.job(id), 'state', 'due_at'))
    local fresh = tonumber(due or 0) > redis_ms() - UNTAKEN_MS
    if state ~= 'held' and state ~= 'running' and not (state == 'waiting' and fresh) then leave_rate_line(limit, id) end
  end
end
