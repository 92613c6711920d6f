-- Wakes idle workers: as many as jobs were pushed, and only workers that serve the queue. An idle worker is registered by
-- reserve.lua under its list of queues; who is taken from the register here gets the queue's name on its own channel.
-- A message that is lost delays a job by no more than the poll. Everything here is only informative, so it must not fail.
-- @include wake-listed
local LISTS_MAX = 20

local function wake_idle(queue, count)
  local lists = count > 0 and redis.pcall('ZREVRANGE', key.servedBy(queue), 0, LISTS_MAX - 1) or {}
  if #lists > 0 then wake_listed(queue, count, lists) end
end

local function wake_workers(queue, count)
  wake_idle(queue, count)
  redis.pcall('PUBLISH', key.wake(), queue)
end

-- Workers whose queue list has wildcards are told of a queue that they cannot have registered for.
local function add_queue(queue)
  if redis.pcall('SADD', key.queues(), queue) == 1 then redis.pcall('PUBLISH', key.wakeQueues(), queue) end
end
