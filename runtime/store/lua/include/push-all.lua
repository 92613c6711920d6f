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
    local list, ids_by_payload = to_push[queue], key.idsByPayload(queue)
    tidy_ids(queue)
    local pushed = redis.pcall('RPUSH', key.queue(queue), unpack(list.items))
    if type(pushed) == 'table' and pushed.err then
      for i, id in ipairs(list.ids) do refused(queue, list.items[i], id, pushed.err) end
    else
      add_queue(queue)
      for i, id in ipairs(list.ids) do
        if id then put_id(ids_by_payload, payload_field(list.items[i]), id) end
      end
      wake_workers(queue, #list.items)
    end
  end
end
