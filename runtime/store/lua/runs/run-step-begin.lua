-- Decides whether a delivered step may run, and marks it running under this job. A step that has ended, or that another
-- live job holds, is dropped: redelivery never runs it twice (promise 4). Parents' outputs come along while they are few and small.
-- @include propagate
-- @args id index job attempt now few
-- @reply {'gone' | 'busy'} | {'go', class of the run, kind JSON, params, globals, parents, 'few' | 'many', the run's `memory` field, parent, its class, its output, …}
local function refuse(run, node)
  if node.state ~= 'held' and move(run, node, 'held') then
    redis.call('HDEL', key.runOwners(id), index)
    redis.call('RPUSH', key.runHeld(id), index)
    write_node(run, node)
    run_flush(run)
  end
  return { 'gone' }
end

-- Another job has the node: it runs it, or will be back by itself. One that only waits on a queue may have been taken
-- by a worker of another runtime, so it does not count for a queued node: whichever delivery comes first runs it.
local function busy(owner, node)
  if not owner or owner == job or node.state == 'queued' then return false end
  local state = redis.pcall('HGET', key.job(owner), 'state')
  return state == 'delayed' or state == 'held' or node.state == 'running' and (state == 'running' or state == 'waiting')
end

-- All outputs that come along; the rest is read by the supervisor, in pieces (promise 13).
local FEW_BYTES = 262144

local function payloads(run, node, reply)
  local count = node.parents
  reply[6] = count
  if count > tonumber(few) then
    reply[7] = 'many'
    return reply
  end
  local edges = some_edges(key.runParents(id), node.parents_at, count, 0, count)
  local finished, bytes = {}, 0
  for i = 1, #edges - 3, 4 do
    local parent = read_node(run, struct.unpack('<I', edges, i) % EDGE_ID)
    if parent and parent.state == 'finished' then
      finished[#finished + 1] = parent
      bytes = bytes + redis.call('HSTRLEN', key.runOutputs(id), parent.index)
    end
  end
  if bytes > FEW_BYTES then
    reply[7] = 'many'
    return reply
  end
  for _, parent in ipairs(finished) do
    reply[#reply + 1] = parent.index
    reply[#reply + 1] = (kind_of(run, parent) or {}).class or ''
    reply[#reply + 1] = redis.call('HGET', key.runOutputs(id), parent.index) or ''
  end
  return reply
end

check_run(id)
check('job', job)
check('runParams', id)
local run = run_of(id, now)
local node = run and read_node(run, tonumber(index))
if not node then return { 'gone' } end
if busy(redis.call('HGET', key.runOwners(id), index), node) then return { 'busy' } end
if node.state ~= 'running' and node.state ~= 'queued' and node.state ~= 'delayed' then return { 'gone' } end
if run.status ~= 'running' then return refuse(run, node) end
if not kind_of(run, node) then
  table.insert(run.refused, node.index)
  run_flush(run)
  return { 'gone' }
end
if node.state == 'queued' then
  local at = index * NODE_BYTES + 28
  local since = struct.unpack('<d', redis.call('GETRANGE', key.runTable(id), at, at + 7))
  if since > 0 then redis.call('HSETNX', key.job(job), 'enqueued_at', string.format('%.0f', since)) end
end
if node.state ~= 'running' then move(run, node, 'running') end
write_node(run, node)
redis.call('SETRANGE', key.runTable(id), index * NODE_BYTES + 24, struct.pack('<Id', tonumber(attempt), run.now))
redis.call('HSET', key.runOwners(id), index, job)
redis.call('HSET', key.job(job), 'step', id .. ' ' .. index, 'class', kind_of(run, node).class)
run_flush(run)
local params = redis.call('HGET', key.runParams(id), index) or ''
local globals = redis.call('HGET', key.run(id), 'globals') or ''
local kind = redis.call('HGET', key.runKinds(id), node.kind)
return payloads(run, node, { 'go', run.class, kind, params, globals, 0, has(node, MORE_PARENTS) and 'many' or 'few',
  redis.call('HGET', key.run(id), 'memory') or '' })
