-- Decides for delivered steps whether each may run, and marks those that may running under their jobs. A step that has ended, or that another
-- live job holds, is dropped: redelivery never runs it twice (promise 4). Parents' outputs come along while they are few and small. No step
-- depends on another of the call.
-- @include run-batch propagate
-- @args now few
-- @rest given
-- `given`: for each step its run, node, job and attempt.
-- @reply for each: {'gone' | 'busy'} | {'error', why} | {'go', class of the run, kind JSON, params, globals, parents, 'few' | 'many', the run's `memory` field,
-- parent, its class, its output, …}
local function refuse(run, node)
  if node.state ~= 'held' and move(run, node, 'held') then
    redis.call('HDEL', key.runOwners(run.id), node.index)
    redis.call('RPUSH', key.runHeld(run.id), node.index)
    write_node(run, node)
  end
  return { 'gone' }
end

-- Another job has the node: it runs it, or will be back by itself. One that only waits on a queue may have been taken
-- by a worker of another runtime, so it does not count for a queued node: whichever delivery comes first runs it.
local function busy(owner, job, node)
  if not owner or owner == job or node.state == 'queued' then return false end
  local state = redis.pcall('HGET', key.job(owner), 'state')
  return state == 'delayed' or state == 'held' or node.state == 'running' and (state == 'running' or state == 'waiting')
end

-- All parents and outputs that come along; the rest is read by the supervisor, in pieces (promise 13).
local parents_left, bytes_left = 200, 262144

local function payloads(run, node, reply)
  local count = node.parents
  reply[6] = count
  if count > tonumber(few) or count > parents_left then
    reply[7] = 'many'
    return reply
  end
  parents_left = parents_left - count
  local edges = some_edges(key.runParents(run.id), node.parents_at, count, 0, count)
  local finished, bytes = {}, 0
  for i = 1, #edges - 3, 4 do
    local parent = read_node(run, struct.unpack('<I', edges, i) % EDGE_ID)
    if parent and parent.state == 'finished' then
      finished[#finished + 1] = parent
      bytes = bytes + redis.call('HSTRLEN', key.runOutputs(run.id), parent.index)
    end
  end
  if bytes > bytes_left then
    reply[7] = 'many'
    return reply
  end
  bytes_left = bytes_left - bytes
  for _, parent in ipairs(finished) do
    reply[#reply + 1] = parent.index
    reply[#reply + 1] = (kind_of(run, parent) or {}).class or ''
    reply[#reply + 1] = redis.call('HGET', key.runOutputs(run.id), parent.index) or ''
  end
  return reply
end

local function begin(run, index, job, attempt)
  local node = read_node(run, tonumber(index))
  if not node then return { 'gone' } end
  if busy(redis.call('HGET', key.runOwners(run.id), index), job, node) then return { 'busy' } end
  if node.state ~= 'running' and node.state ~= 'queued' and node.state ~= 'delayed' then return { 'gone' } end
  if run.status ~= 'running' then return refuse(run, node) end
  local kind = kind_of(run, node)
  if not kind then
    table.insert(run.refused, node.index)
    return { 'gone' }
  end
  if node.state == 'queued' and node.started > 0 then
    redis.call('HSETNX', key.job(job), 'enqueued_at', string.format('%.0f', node.started))
  end
  if node.state ~= 'running' then move(run, node, 'running') end
  node.attempts, node.started = tonumber(attempt), run.now
  write_node(run, node)
  redis.call('HSET', key.runOwners(run.id), index, job)
  redis.call('HSET', key.job(job), 'step', run.id .. ' ' .. index, 'class', kind.class)
  local of = run.texts or redis.call('HMGET', key.run(run.id), 'globals', 'memory')
  run.texts = of
  local params = redis.call('HGET', key.runParams(run.id), index) or ''
  return payloads(run, node, { 'go', run.class, kind.json, params, of[1] or '', 0, has(node, MORE_PARENTS) and 'many' or 'few', of[2] or '' })
end

local function begin_checked(id, index, job, attempt)
  local run, why = shared_run(id, now)
  why = why or wrong('job', job) or wrong('runParams', id)
  if why then error(why, 0) end
  return run and begin(run, index, job, attempt) or { 'gone' }
end

local replies = {}
for at = 1, #given, 4 do
  local good, reply = pcall(begin_checked, unpack(given, at, at + 3))
  replies[#replies + 1] = good and reply or { 'error', type(reply) == 'table' and reply.err or reply }
end
flush_runs()
return replies
