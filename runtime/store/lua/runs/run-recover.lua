-- Puts steps of a run on their queues that lie nowhere though they are queued or delayed (runtime/store/runs/lost-steps.ts).
-- A step that was there after all does not run twice: begin-steps drops the second delivery.
-- @include propagate
-- @args id now
-- @rest nodes
-- @reply how many went
check_run(id)
local run = run_of(id, now)
if not run or run.status ~= 'running' then return 0 end
local count = 0
for _, index in ipairs(nodes) do
  local node = read_node(run, tonumber(index))
  if node and (node.state == 'queued' or node.state == 'delayed') then
    redis.call('HDEL', key.runOwners(id), index)
    add_item(run, node, kind_of(run, node))
    count = count + 1
  end
end
run_flush(run)
return count
