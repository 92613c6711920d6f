-- Drops ids whose items are in their queue no longer: a worker that knows no ids, such as Ruby's, has taken them.
-- Looks at a few queues, picked at random, and closer where there are far more ids than items. What lies in the queue
-- keeps its ID while its record lives. Looking stops after a while, sooner where the queue is long (promise 13).
-- @include ids-by-payload
-- @args count
-- @reply how many ids went
local SLACK, SLOTS, KEEP_MS = 100, 300, 2592000000
local gone, budget = 0, 500

-- The item that an ID stands for; nil when its job does not wait, so that the ID is of no use.
local function waiting_item(id)
  local state, item = unpack(redis.pcall('HMGET', key.job(id), 'state', 'item'))
  return state == 'waiting' and item or nil
end

local function drop(ids_by_payload, field)
  take_id(ids_by_payload, field)
  gone = gone + 1
end

-- Of ids with the same bytes the oldest go: as many as there are more of them than items.
local function drop_surplus(list, ids_by_payload, field, head, tail)
  local live, item = 0, nil
  for n = head, math.min(tail, head + SLOTS) - 1 do
    local its = waiting_item(redis.call('HGET', ids_by_payload, field .. ':' .. string.format('%d', n)) or '')
    if its then live, item = live + 1, its end
    budget = budget - 2
  end
  local over = item and live - #redis.call('LPOS', list, item, 'COUNT', SLOTS) or 0
  for n = head, math.min(tail, head + SLOTS) - 1 do
    local its = waiting_item(redis.call('HGET', ids_by_payload, field .. ':' .. string.format('%d', n)) or '')
    if its and over <= 0 then return end
    if its then over = over - 1 end
    drop(ids_by_payload, field)
  end
end

local function check_ids(list, ids_by_payload, field)
  local value = redis.call('HGET', ids_by_payload, field)
  local head, tail = string.match(value or '', '^(-?%d+) (-?%d+)$')
  if head then return drop_surplus(list, ids_by_payload, field, tonumber(head), tonumber(tail)) end
  local item = value and waiting_item(value)
  if value and not (item and redis.call('LPOS', list, item)) then drop(ids_by_payload, field) end
end

for _, queue in ipairs(redis.call('SRANDMEMBER', key.queues(), count)) do
  local list, ids_by_payload = key.queue(queue), key.idsByPayload(queue)
  local items = redis.pcall('LLEN', list)
  if items == 0 then
    redis.call('UNLINK', ids_by_payload)
  elseif type(items) == 'number' and (tonumber(redis.pcall('HLEN', ids_by_payload)) or 0) > 2 * items + SLACK then
    for _, field in ipairs(redis.call('HRANDFIELD', ids_by_payload, 200)) do
      if budget <= 0 then break end
      budget = budget - 2 - items / 200
      check_ids(list, ids_by_payload, string.sub(field, 1, 24))
    end
  end
  -- Those of a queue that another client removes are never looked at again.
  if redis.call('PTTL', ids_by_payload) < KEEP_MS / 2 then redis.call('PEXPIRE', ids_by_payload, KEEP_MS) end
end
return gone
