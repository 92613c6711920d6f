-- Wakes idle workers of the lists of queues that they are registered under.
-- @include lease
-- @lazy wake_listed
-- A worker that does not hear, since its process has died or its connection is away, is passed over.
local LOOKS = 100

local function wake_some(queue, list, most, now)
  local idle, woken = key.idle(list), 0
  local workers = redis.pcall('ZRANGEBYSCORE', idle, now, '+inf', 'LIMIT', 0, math.min(most, 1000))
  if workers.err or #workers == 0 then return end
  redis.pcall('ZREM', idle, unpack(workers))
  for _, worker in ipairs(workers) do
    if redis.pcall('PUBLISH', key.wakeWorker(worker), queue) ~= 0 then woken = woken + 1 end
  end
  return woken
end

local function wake_listed(queue, count, lists)
  local now, looks = redis_ms(), LOOKS
  for _, list in ipairs(lists) do
    repeat
      local woken = wake_some(queue, list, count, now)
      count, looks = count - (woken or 0), looks - 1
      if count <= 0 or looks <= 0 then return end
    until not woken
  end
end
