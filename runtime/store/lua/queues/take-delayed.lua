-- Takes every copy of one job out of the delayed structures and, in the same step, cancels it, queues it, or delays it
-- again. `wanted` begins with `forms` bucket forms of its bytes; then come jobs of the millisecond set with these bytes.
-- `mode`: cancel | queue | delay (until `due`; and when there was none, one new job is delayed). A step that is cancelled
-- ends in its run as well. A call takes at most `max` copies out of buckets (promise 13); `first` is 1 in the first of
-- them. Copies in the bucket in which a delay would put them stay there.
-- @include queue-delayed delay settled run-step
-- @args mode queue class item newItem now ttlMs due second newId forms max first
-- @rest wanted
-- @reply {how many copies were taken, 1 when more of them lie in buckets}
for i = 1, tonumber(forms) do
  for _, bucket in ipairs(redis.call('SRANDMEMBER', key.delayedTimestamps(wanted[i]), max)) do
    local from = string.match(bucket, '^delayed:(%d+)$')
    if from then check_bucket(from, wanted[i]) end
  end
end
if mode == 'queue' then check('queue', queue) end
if mode == 'delay' then check_delay(second, newItem) end
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
  if mode == 'delay' then
    redis.call('HSETNX', key.job(id), 'enqueued_at', now)
    redis.call('HDEL', key.job(id), 'second', 'bucket_item', 'item')
    return delay(id, queue, item, due, second, newItem, now, ttlMs, { 'class', class })
  end
  queue_delayed(id, class, queue, item, now, ttlMs)
end

-- All copies leave their buckets before any is placed: it may be placed in the same bucket.
local freed, more, most = {}, 0, tonumber(max)
local stay = mode == 'delay' and 'delayed:' .. second
for i = 1, tonumber(forms) do
  local form = wanted[i]
  local buckets = key.delayedTimestamps(form)
  for _, bucket in ipairs(redis.call('SRANDMEMBER', buckets, most)) do
    local from, left = string.match(bucket, '^delayed:(%d+)$'), most - #freed
    if bucket == stay then
      if first == '1' then taken = taken + #redis.call('LPOS', key.delayedBucket(from), form, 'COUNT', 0) end
    elseif left > 0 then
      local count = from and redis.call('LREM', key.delayedBucket(from), left, form) or 0
      for _ = 1, count do freed[#freed + 1] = next_id(key.delayedIdsByPayload(from), payload_field(form)) or '' end
      if count < left then redis.call('SREM', buckets, bucket) end
      if from and redis.call('EXISTS', key.delayedBucket(from)) == 0 then redis.call('ZREM', key.delayedSchedule(), from) end
    end
  end
  if redis.call('SCARD', buckets) > (stay and redis.call('SISMEMBER', buckets, stay) or 0) then more = 1 end
end
for i = tonumber(forms) + 1, #wanted do
  local id = wanted[i]
  if redis.call('ZREM', key.delayed(), id) == 1 then freed[#freed + 1] = id end
end
for _, id in ipairs(freed) do place(id ~= '' and id or nil) end
if mode == 'delay' and first == '1' and taken == 0 then
  place(nil)
  return { 0, 0 }
end
return { taken, more }
