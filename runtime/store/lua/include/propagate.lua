-- Advancing a run: a node's end reaches its children. Promise 4: the end, the children's counters and their pushes are
-- one step. It costs the node's own out-degree; what goes beyond a batch continues in run-continue.
-- @include run-node run-flush
local BATCH = 200
local edge_names = { [0] = 'finished', 'failed', 'ended' }

-- How a node ended → the edge's condition → what its child gets. `force_skip`: it shall not run, whatever its other parents say.
local effect = {
  finished = { finished = 'pass', failed = 'skip', ended = 'pass' },
  vetoed = { finished = 'force_skip', failed = 'skip', ended = 'pass' },
  failed = { failed = 'pass', ended = 'pass' },
  skipped = { finished = 'skip', failed = 'skip', ended = 'pass' },
}

-- A node that failed before has settled its failure branches: only the edges that waited for its success are left.
local function ways(node, how)
  if how == 'failed' or not has(node, FAILED_BEFORE) then return effect[how] end
  return { finished = effect[how].finished }
end

local function step_item(run, node)
  return '{"class":"ResqueRuntime::Step","args":["' .. run.id .. '","' .. node.index .. '",' .. cjson.encode(kind_of(run, node).class) .. ']}'
end

local function delay_step(run, node, ms)
  local id, due = run.id .. '.' .. node.index, string.format('%.0f', run.now + ms)
  if wrong('job', id) then redis.call('UNLINK', key.job(id)) end
  redis.call('HSET', key.job(id), 'class', 'ResqueRuntime::Step', 'queue', kind_of(run, node).queue, 'item', step_item(run, node),
    'state', 'delayed', 'enqueued_at', run.now, 'due_at', due, 'step', run.id .. ' ' .. node.index)
  redis.call('HSET', key.runOwners(run.id), node.index, id)
  redis.call('ZADD', key.delayed(), due, id)
  redis.pcall('PUBLISH', key.wakeDelayed(), due)
end

-- Pushed by run_flush; a step of an unknown kind fails there.
local function add_item(run, node, kind)
  if not kind then return table.insert(run.refused, node.index) end
  run.items[kind.queue] = run.items[kind.queue] or {}
  table.insert(run.items[kind.queue], step_item(run, node))
end

-- To its queue, or to wait its time, or held back when the run is stopped.
local function make_ready(run, node, at_once)
  local kind = kind_of(run, node)
  if run.status ~= 'running' then
    if move(run, node, 'held') then redis.call('RPUSH', key.runHeld(run.id), node.index) end
  elseif kind and not at_once and (kind.wait or 0) > 0 then
    if move(run, node, 'delayed') then delay_step(run, node, kind.wait) end
  elseif move(run, node, 'queued') then
    add_item(run, node, kind)
  end
end

local function skip(run, node)
  if move(run, node, 'skipped') then table.insert(run.todo, { node.index, 0, 'skipped' }) end
end

-- A waiting node whose last parent has spoken runs when one of them let it go on, else it is skipped; a force_skip skips it at once.
local function decide(run, node)
  if node.state ~= 'waiting' then return end
  if has(node, VETOED) then return skip(run, node) end
  if node.open > 0 then return end
  if has(node, PASSED) then make_ready(run, node) else skip(run, node) end
end

local function notify_child(run, index, way)
  local node = read_node(run, index)
  if not node then return end
  if node.open > 0 then node.open = node.open - 1 end
  if way == 'pass' then raise(node, PASSED) end
  if way == 'force_skip' then raise(node, VETOED) end
  decide(run, node)
  write_node(run, node)
end

-- Edges [from, stop) of the `count` that begin at `start`, and `stop`: `count` where the string ends before, as a damaged one may.
local function some_edges(name, start, count, from, max)
  local stop = math.min(from + max, count)
  local edges = stop > from and redis.call('GETRANGE', name, (start + from) * 4, (start + stop) * 4 - 1) or ''
  return edges, #edges < (stop - from) * 4 and count or stop
end

-- Up to `max` children of a node from position `from`: {bytes of edges, the position behind them when more may follow}.
local function some_children(run, node, from, max)
  if from < node.children then
    local edges, stop = some_edges(key.runChildren(run.id), node.children_at, node.children, from, max)
    return edges, (stop < node.children or has(node, MORE)) and stop
  end
  if not has(node, MORE) then return '', false end
  local added = redis.call('HGET', key.runMore(run.id), node.index) or ''
  local skipped = (from - node.children) * 4
  return string.sub(added, skipped + 1, skipped + max * 4), #added > skipped + max * 4 and from + max
end

-- Tells children what became of their parent (`node`, where it has been read), as many as the batch allows; returns how many those are.
local function propagate(run, index, from, how, max, node)
  node = node or read_node(run, index)
  if not node then return 1 end
  local way = ways(node, how)
  local edges, more = some_children(run, node, from, max)
  for i = 1, #edges - 3, 4 do
    local edge = struct.unpack('<I', edges, i)
    local this = way[edge_names[math.floor(edge / EDGE_ID)]]
    if this then notify_child(run, edge % EDGE_ID, this) end
  end
  if more then table.insert(run.todo, { index, more, how }) end
  return math.max(#edges / 4, 1)
end

-- Works off what is to be effect; the rest of a wide fan-out is left for run-continue.
local function run_propagate(run, budget)
  while #run.todo > 0 and budget > 0 do
    local index, from, how, node = unpack(table.remove(run.todo))
    budget = budget - propagate(run, index, from, how, budget, node)
  end
  for _, rest in ipairs(run.todo) do leave(run, 'tell', rest[1], rest[2], rest[3]) end
  run.todo = {}
  return budget
end
