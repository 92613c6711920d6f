-- A person decides about one node: `retry` runs a failed one again, `skip` lets what hangs on it go on without it.
-- Either sets a failed run going again.
-- @include propagate
-- @args id index now verb
-- @reply 'ok' | 'gone' | 'no node' | 'illegal' and the node's state | 'not started' | 'overlap' and the id of the run in the way
check_run(id)
local run = run_of(id, now)
if not run then return { 'gone' } end
local node = read_node(run, tonumber(index))
if not node or node.state == 'staged' then return { 'no node' } end
local legal = verb == 'retry' and node.state == 'failed' or verb == 'skip' and string.find(node_moves[node.state], 'skipped', 1, true)
if not legal then return { 'illegal', node.state } end
if run.status == 'pending' then return { 'not started' } end
if run.status == 'failed' then
  if not claim_unique(run) then return { 'overlap', redis.call('GET', key.runUnique(run.unique)) } end
  run_status(run, 'running')
end
redis.call('HDEL', key.runFailed(id), index)
redis.call('HDEL', key.runRetrying(id), index)
if verb == 'retry' then make_ready(run, node, true) else move(run, node, 'skipped') end
write_node(run, node)
if verb == 'skip' then
  table.insert(run.todo, { node.index, 0, 'finished' })
  run_propagate(run, BATCH)
end
run_flush(run)
return { 'ok' }
