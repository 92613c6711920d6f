-- Collects items for their queues and pushes them together at the end: one push a queue, and as many idle workers woken as items.
-- @include push
local to_push, push_order = {}, {}
local function push_later(queue, item, id)
  local list = to_push[queue]
  if not list then
    list = { items = {}, ids = {} }
    to_push[queue] = list
    push_order[#push_order + 1] = queue
  end
  list.items[#list.items + 1] = item
  list.ids[#list.items] = id or false
end

-- What a queue does not take, for its key is no list, is given to `refused`: the others must not be lost with it.
local function push_collected(refused)
  for _, queue in ipairs(push_order) do
    local list = to_push[queue]
    local length = redis.pcall('RPUSH', key.queue(queue), unpack(list.items))
    if type(length) == 'table' then
      for i, id in ipairs(list.ids) do refused(queue, list.items[i], id, length.err) end
    else
      after_push(queue, length, list.items, list.ids)
      wake_workers(queue, #list.items)
    end
  end
end
