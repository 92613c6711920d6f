-- Does one batch of whatever runs have left to do: roots, wide fan-outs, additions, failed nodes to run again. Anyone may
-- call it at any time: what is left stands in one list, and moves with the work in the same step (promise 13).
-- @include propagate
-- @args now
-- @reply how many entries are left
local works = {}

-- A number of an entry, as far as it can be one of nodes or edges; what cannot be read is nil, and its entry is left out.
local function position(text)
  local number = tonumber(text)
  return number and number < EDGE_ID and number or nil
end

function works.tell(run, index, from, how)
  if not index or not from or not effect[how] then return 1 end
  table.insert(run.todo, { index, from, how })
  return 0
end

-- Nodes without parents, in the order of the graph.
function works.roots(run, first)
  if not first then return 1 end
  local rows = redis.call('GETRANGE', key.runTable(run.id), first * NODE_BYTES, (first + BATCH) * NODE_BYTES - 1)
  for i = 0, math.floor(#rows / NODE_BYTES) - 1 do
    local node = node_of(rows, i * NODE_BYTES + 1, first + i)
    if node and node.parents == 0 and node.state == 'waiting' then
      make_ready(run, node)
      write_node(run, node)
    end
  end
  if #rows == BATCH * NODE_BYTES then leave(run, 'roots', first + BATCH) end
  return BATCH
end

-- What a node that joins a running run learns from a parent outside its own addition: learns it at once, or waits with the rest,
-- in which case its edge is collected in `more` by parent, since many may join under one.
local function join(run, node, edge, more)
  local parent = read_node(run, edge % EDGE_ID)
  if not parent then return end
  local how = parent.state == 'finished' and 'finished' or parent.state == 'skipped' and 'skipped' or parent.state == 'failed' and 'failed'
  local way = how and effect[how][edge_names[math.floor(edge / EDGE_ID)]]
  if way then
    node.open = math.max(node.open - 1, 0)
    if way == 'pass' then raise(node, PASSED) end
    return
  end
  more[parent.index] = more[parent.index] or {}
  table.insert(more[parent.index], struct.pack('<I', edge - edge % EDGE_ID + node.index))
end

local function add_children(run, more)
  for index, edges in pairs(more) do
    local parent = read_node(run, index)
    raise(parent, MORE)
    write_node(run, parent)
    local added = redis.call('HGET', key.runMore(run.id), index) or ''
    redis.call('HSET', key.runMore(run.id), index, added .. table.concat(edges))
  end
end

-- Staged nodes [from, to) enter the run; `first` is where their addition began. Each holds one open parent more than it has.
-- The first of them may have so many parents that some of its edges, up to `at`, were read in calls before.
function works.grow(run, from, to, first, at)
  if not from or not to then return 1 end
  local left, more = BATCH, {}
  first, to = position(first) or from, math.min(to, math.floor(redis.call('STRLEN', key.runTable(run.id)) / NODE_BYTES))
  while from < to and left > 0 do
    local node = read_node(run, from)
    left = left - 1
    if node then
      local edges, stop = some_edges(key.runParents(run.id), node.parents_at, node.parents, at or 0, left + 1)
      left = left - #edges / 4
      for i = 1, #edges - 3, 4 do
        local edge = struct.unpack('<I', edges, i)
        if edge % EDGE_ID < first or edge % EDGE_ID >= to then join(run, node, edge, more) end
      end
      if stop < node.parents then
        at = stop
        write_node(run, node)
        break
      end
      node.open = math.max(node.open - 1, 0)
      if move(run, node, 'waiting') then decide(run, node) end
      write_node(run, node)
    end
    from, at = from + 1, 0
  end
  add_children(run, more)
  if from < to then leave(run, 'grow', from, to, first, at or 0) end
  return BATCH - left
end

-- Failed nodes and held ones run again; both lists empty themselves as they are worked off. Stopped meanwhile: all are held.
function works.resume(run)
  local failed = redis.call('HRANDFIELD', key.runRetrying(run.id), BATCH)
  if #failed > 0 then redis.call('HDEL', key.runRetrying(run.id), unpack(failed)) end
  local held = run.status == 'running' and redis.call('LPOP', key.runHeld(run.id), BATCH) or {}
  for _, list in ipairs({ failed, held }) do
    for _, index in ipairs(list) do
      local node = read_node(run, tonumber(index))
      if node and (node.state == 'failed' or node.state == 'held') then
        make_ready(run, node, true)
        write_node(run, node)
      end
    end
  end
  if #failed == BATCH or #held == BATCH then leave(run, 'resume') end
  return #failed + #held
end

local budget, stuck = BATCH, 0
while budget > 0 do
  local entry = redis.call('LINDEX', key.advancing(), 0)
  if not entry then break end
  local id = string.match(entry, '^%S+') or ''
  local work, a, b, c, d = string.match(entry, '^%S+ (%l+) ?(%d*) ?(%d*) ?(%w*) ?(%d*)$')
  local unusable = wrong_run(id)
  redis.call('LPOP', key.advancing())
  local run = not unusable and run_of(id, now)
  if unusable then
    -- Behind the others, which must not wait for it.
    redis.call('RPUSH', key.advancing(), entry)
    stuck = stuck + 1
    if stuck >= redis.call('LLEN', key.advancing()) or stuck >= 20 then break end
  elseif run then
    add(run.totals, 'advancing', -1)
    budget = run_propagate(run, budget - (works[work] and works[work](run, position(a), position(b), c, position(d)) or 1))
    run_flush(run)
  else
    budget = budget - 1
  end
end
return redis.call('LLEN', key.advancing()) - stuck
