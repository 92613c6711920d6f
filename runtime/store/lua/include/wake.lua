-- Wakes idle workers: as many as jobs were pushed, and only workers that serve the queue. An idle worker is registered by
-- reserve.lua under its list of queues; who is taken from the register here gets the queue's name on its own channel.
-- A message that is lost delays a job by no more than the poll. Everything here is only informative, so it must not fail.
-- @include lease
-- A worker that does not hear, since its process has died or its connection is away, is passed over.
local LISTS_MAX, LOOKS = 20, 100

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

local function wake_idle(queue, count)
  if count <= 0 then return end
  local lists, now, looks = redis.pcall('ZREVRANGE', key.servedBy(queue), 0, LISTS_MAX - 1), nil, LOOKS
  for _, list in ipairs(lists.err and {} or lists) do
    now = now or redis_ms()
    repeat
      local woken = wake_some(queue, list, count, now)
      count, looks = count - (woken or 0), looks - 1
      if count <= 0 or looks <= 0 then return end
    until not woken
  end
end

local function wake_workers(queue, count)
  wake_idle(queue, count)
  redis.pcall('PUBLISH', key.wake(), queue)
end

-- Workers whose queue list has wildcards are told of a queue that they cannot have registered for.
local function add_queue(queue)
  if redis.pcall('SADD', key.queues(), queue) == 1 then redis.pcall('PUBLISH', key.wakeQueues(), queue) end
end
