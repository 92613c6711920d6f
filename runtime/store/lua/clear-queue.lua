-- Removes what waits in a queue, a batch a call (promise 13), and the queue itself when nothing is left. The jobs end as
-- cancelled, so that no unique lock, permit or run waits for them: a run's node fails, and a continue queues it again.
-- @include settled run-step
-- @args queue max now ttlMs
-- @reply how many items went
local tickets = key.tickets(queue)

local function cancel_step(item)
  if string.sub(item, 1, 31) ~= '{"class":"ResqueRuntime::Step",' then return end
  local good, step = pcall(cjson.decode, item)
  local args = good and step.args
  local run = type(args) == 'table' and run_of(tostring(args[1]), now)
  local node = run and read_node(run, tonumber(args[2]) or -1)
  if not node or node.state ~= 'queued' then return end
  fail_node(run, node, '{"name":"Cancelled","message":"its queue was removed"}')
  run_flush(run)
end

local items = redis.call('LPOP', key.queue(queue), max) or {}
for _, item in ipairs(items) do
  cancel_step(item)
  local id = next_ticket(tickets, ticket_field(item))
  if id then finish(id, 'cancelled', now, ttlMs) end
end
if redis.call('EXISTS', key.queue(queue)) == 0 then
  redis.call('SREM', key.queues(), queue)
  redis.call('UNLINK', tickets)
end
return #items
