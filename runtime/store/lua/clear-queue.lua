-- Removes what waits in a queue, a batch a call (promise 13), and the queue itself when nothing is left. The jobs end as
-- cancelled, so that no unique lock, permit or run waits for them: a run's node fails, and a continue queues it again.
-- @include settled run-step
-- @args queue max now ttlMs
-- @reply how many items went
local tickets = key.tickets(queue)

local removed = '{"name":"Cancelled","message":"its queue was removed"}'

-- Ends a step's node, and returns the job that ends with it: the ticket's `id`, else the one that has the node and waits.
-- A node is `delayed`, not `queued`, while its job is back from a wait, a retry's delay, a snooze or a limit.
local function cancel_step(item, id)
  if string.sub(item, 1, 31) ~= '{"class":"ResqueRuntime::Step",' then return id end
  local good, step = pcall(cjson.decode, item)
  local args = good and step.args
  local run = type(args) == 'table' and run_of(tostring(args[1]), now)
  local node = run and read_node(run, tonumber(args[2]) or -1)
  if not node then return id end
  if not id then
    local owner = redis.call('HGET', key.runOwners(run.id), node.index)
    if owner and redis.call('HGET', key.job(owner), 'state') == 'waiting' then id = owner end
  end
  if id and run_step_end(run.id .. ' ' .. node.index, id, 'cancelled', now, '', { error = removed }) then return id end
  if node.state == 'queued' then
    fail_node(run, node, removed)
    run_flush(run)
  end
  return id
end

local items = redis.call('LPOP', key.queue(queue), max) or {}
for _, item in ipairs(items) do
  local id = cancel_step(item, next_ticket(tickets, ticket_field(item)))
  if id then finish(id, 'cancelled', now, ttlMs) end
end
if redis.call('EXISTS', key.queue(queue)) == 0 then
  redis.call('SREM', key.queues(), queue)
  redis.call('UNLINK', tickets)
end
return #items
