-- Moves jobs that are due from the millisecond set to their queues, oldest first. Safe from any number of processes.
-- Jobs that waited for a rate limit go to the head, where they were, and not before their time by Redis's own clock:
-- a worker whose clock is ahead would move them only for them to be refused. Stops after a hundred
-- kilobytes or so: the caller sees by the next due time, which is not in the future then, that there is more. A job whose
-- queue does not take it goes to the failed list, in the name of `mover`.
-- @include push-all refuse lease budget unique
-- @args now batch ttlMs mover failedAt failedMax
-- @reply {jobs moved, due ms of the next one or ''}
local due = redis.call('ZRANGE', key.delayed(), 0, 0, 'WITHSCORES')
if not due[1] then return { 0, '' } end
if tonumber(due[2]) > tonumber(now) then return { 0, due[2] } end
check('failed')
local moved, redis_now = 0, redis_ms()
due = redis.call('ZRANGEBYSCORE', key.delayed(), '-inf', now, 'WITHSCORES', 'LIMIT', 0, batch)
local wait
local function refused(queue, item, id, why) refuse(mover, queue, item, id, why) end

local more = #due == 2 * tonumber(batch)
for i = 1, #due, 2 do
  local id = due[i]
  local record = key.job(id)
  local state, queue, item = unpack(redis.pcall('HMGET', record, 'state', 'queue', 'item'))
  if state == 'held' and tonumber(due[i + 1]) > redis_now then
    wait = math.min(wait or math.huge, tonumber(now) + tonumber(due[i + 1]) - redis_now)
  else
    redis.call('ZREM', key.delayed(), id)
    if item and queue and (state == 'delayed' or state == 'held') then
      redis.call('HSET', record, 'state', 'waiting')
      if state == 'held' then
        local fine, why = pcall(push_in_order, queue, item, id)
        if not fine then refused(queue, item, id, type(why) == 'table' and why.err or why) end
      else
        push_later(queue, item, id)
      end
      expire_record(id, ttlMs)
      moved = moved + 1
      if spent(item) then
        more = true
        break
      end
    end
  end
end
push_collected(refused)
if more and moved > 0 then return { moved, now } end
local next_due = wait and string.format('%.0f', wait) or redis.call('ZRANGEBYSCORE', key.delayed(), '-inf', '+inf', 'WITHSCORES', 'LIMIT', 0, 1)[2]
return { moved, next_due or '' }
