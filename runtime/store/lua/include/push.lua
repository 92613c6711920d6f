-- Puts items on their queue, with their IDs, and wakes idle workers. `front` puts them at the head, where they were taken.
-- Here and elsewhere a message that Redis refuses (a user without channels) must not undo in the caller's eyes what is
-- written by then: whoever listens also polls.
-- @include ids-by-payload types wake

-- IDs of a list that was empty before these were pushed are left over.
local function drop_left_over_ids(queue, length, pushed)
  if length == pushed then redis.call('UNLINK', key.idsByPayload(queue)) end
end

-- Redis looks through a hash of few fields from its beginning. From so many on it is made a table, by a value that is too long for anything else.
local FEW = 64
local function make_table(hash)
  redis.pcall('HSET', hash, '', string.rep(' ', 65))
  redis.pcall('HDEL', hash, '')
end

-- What follows a push after which the queue has `length` items. `digests`: of some of them, by place.
local function after_push(queue, length, items, ids, front, digests)
  local ids_by_payload = key.idsByPayload(queue)
  drop_left_over_ids(queue, length, #items)
  add_queue(queue)
  for i, item in ipairs(items) do
    if ids[i] then put_id(ids_by_payload, digests and digests[i] or payload_field(item), ids[i], front) end
  end
  if length >= FEW and length - #items < FEW then make_table(ids_by_payload) end
end

-- Puts them there and wakes no one: for scripts that push several times. It fails with nothing written where the key is no list.
local function place(queue, items, ids, front, digests)
  local list, command = key.queue(queue), front and 'LPUSH' or 'RPUSH'
  local length = redis.pcall(command, list, unpack(items))
  if type(length) == 'table' then
    check('queue', queue)
    length = redis.call(command, list, unpack(items))
  end
  after_push(queue, length, items, ids, front, digests)
end

local function push(queue, item, id, front)
  place(queue, { item }, { id }, front)
  wake_workers(queue, 1)
end

-- Puts an ID behind as many of its bytes as come before it: those of the `items` at the head, and that of `last`.
local function put_id_in_order(hash, item, id, items, last)
  local field, turn, passed = payload_field(item), 0, {}
  for _, other in ipairs(items) do
    if other == item then turn = turn + 1 end
  end
  for i = 1, items[#items] == item and 100 or turn do
    passed[i] = take_id(hash, field)
    if passed[i] == last then turn = i end
    if not passed[i] or passed[i] == last then break end
  end
  for i = #passed, turn + 1, -1 do put_id(hash, field, passed[i], true) end
  put_id(hash, field, id, true)
  for i = math.min(#passed, turn), 1, -1 do put_id(hash, field, passed[i], true) end
end

-- Puts a job that waited for a concurrency slot at the head of its queue, but behind those that came there like this a moment ago
-- and are not taken yet: they keep their turn among one another.
local function push_in_order(queue, item, id)
  local list = key.queue(queue)
  check('queue', queue)
  local last = not wrong('heldBack') and redis.call('HGET', key.heldBack(), queue)
  local before = last and not wrong('job', last) and redis.call('HGET', key.job(last), 'item')
  redis.pcall('HSET', key.heldBack(), queue, id)
  local at = before and redis.call('LPOS', list, before, 'MAXLEN', 100)
  if not at then return push(queue, item, id, true) end
  put_id_in_order(key.idsByPayload(queue), item, id, redis.call('LRANGE', list, 0, at), last)
  redis.call('LINSERT', list, 'AFTER', before, item)
  wake_workers(queue, 1)
end
