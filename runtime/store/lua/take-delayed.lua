-- Takes every copy of one job out of the delayed structures and, in the same step, cancels it, queues it, or delays it
-- anew. `wanted` begins with `forms` bucket forms of its bytes; then come jobs of the millisecond set with these bytes.
-- `mode`: cancel | queue | delay (until `due`; and when there was none, one new job is delayed). A step that is cancelled
-- ends in its run as well.
-- @include push delay settled run-step
-- @args mode queue class item newItem now ttlMs due second newId forms
-- @rest wanted
-- @reply how many copies were taken
local taken = 0

local function place(id)
  taken = taken + 1
  if mode == 'cancel' then
    local step = id and redis.call('HGET', key.job(id), 'step')
    if step then run_step_end(step, id, 'cancelled', now, '', {}) end
    if id then finish(id, 'cancelled', now, ttlMs) end
    return
  end
  if not id then id = newId .. taken end
  redis.call('HSETNX', key.job(id), 'enqueued_at', now)
  if mode == 'delay' then
    redis.call('HDEL', key.job(id), 'second', 'item')
    redis.call('PERSIST', key.job(id))
    return delay(id, queue, item, due, second, newItem, now, ttlMs, { 'class', class })
  end
  redis.call('HSET', key.job(id), 'class', class, 'queue', queue, 'item', item, 'state', 'waiting')
  redis.call('HDEL', key.job(id), 'second', 'due_at')
  redis.call('PEXPIRE', key.job(id), ttlMs)
  push(queue, item, id)
end

-- All copies leave their buckets before any is placed: it may be placed in the same bucket.
local freed = {}
for i = 1, tonumber(forms) do
  local form = wanted[i]
  for _, bucket in ipairs(redis.call('SMEMBERS', key.delayedTimestamps(form))) do
    local from = string.match(bucket, '^delayed:(%d+)$')
    local count = from and redis.call('LREM', key.delayedBucket(from), 0, form) or 0
    for _ = 1, count do freed[#freed + 1] = next_ticket(key.delayedTickets(from), ticket_field(form)) or '' end
    if from and redis.call('EXISTS', key.delayedBucket(from)) == 0 then redis.call('ZREM', key.delayedSchedule(), from) end
  end
  redis.call('DEL', key.delayedTimestamps(form))
end
for i = tonumber(forms) + 1, #wanted do
  local id = wanted[i]
  if redis.call('ZREM', key.delayed(), id) == 1 then freed[#freed + 1] = id end
end
for _, id in ipairs(freed) do place(id ~= '' and id or nil) end
if mode == 'delay' and taken == 0 then
  place(nil)
  return 0
end
return taken
