-- Does one batch of whatever runs have left to do: roots, wide fan-outs, additions, failed nodes to run again. Anyone may
-- call it at any time: what is left stands in one list, and moves with the work in the same step (promise 13).
-- @include propagate
-- @args now
-- @reply how many entries are left
local works = {}

function works.tell(run, index, from, how)
  table.insert(run.todo, { tonumber(index), tonumber(from), how })
  return 0
end

-- Nodes without parents, in the order of the graph.
function works.roots(run, from)
  local first = tonumber(from)
  local rows = redis.call('GETRANGE', key.runTable(run.id), first * NODE_BYTES, (first + BATCH) * NODE_BYTES - 1)
  for i = 0, #rows / NODE_BYTES - 1 do
    local state, flags, kind, open, _, _, _, parents = struct.unpack('<BBHIIIII', rows, i * NODE_BYTES + 1)
    if parents == 0 and node_states[state] == 'waiting' then
      local node = { index = first + i, state = 'waiting', flags = flags, kind = kind, open = open }
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
  local how = parent.state == 'finished' and 'finished' or parent.state == 'skipped' and 'skipped' or parent.state == 'failed' and 'failed'
  local way = how and effect[how][edge_names[math.floor(edge / EDGE_ID)]]
  if way then
    node.open = node.open - 1
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
  from, to, first, at = tonumber(from), tonumber(to), tonumber(first ~= '' and first or from), tonumber(at) or 0
  local left, more = BATCH, {}
  while from < to and left > 0 do
    local node = read_node(run, from)
    local start, count = struct.unpack('<II', redis.call('GETRANGE', key.runTable(run.id), from * NODE_BYTES + 16, from * NODE_BYTES + 23))
    local stop = math.min(count, at + left)
    local edges = stop > at and redis.call('GETRANGE', key.runParents(run.id), (start + at) * 4, (start + stop) * 4 - 1) or ''
    left = left - 1 - (stop - at)
    for i = 1, #edges, 4 do
      local edge = struct.unpack('<I', edges, i)
      if edge % EDGE_ID < first or edge % EDGE_ID >= to then join(run, node, edge, more) end
    end
    if stop < count then
      at = stop
      write_node(run, node)
      break
    end
    at = 0
    node.open = node.open - 1
    if move(run, node, 'waiting') then decide(run, node) end
    write_node(run, node)
    from = from + 1
  end
  add_children(run, more)
  if from < to then leave(run, 'grow', from, to, first, at) end
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
      if node.state == 'failed' or node.state == 'held' then make_ready(run, node, true) end
      write_node(run, node)
    end
  end
  if #failed == BATCH or #held == BATCH then leave(run, 'resume') end
  return #failed + #held
end

local budget, stuck = BATCH, 0
while budget > 0 do
  local entry = redis.call('LINDEX', key.advancing(), 0)
  if not entry then break end
  local id, work, a, b, c, d = string.match(entry, '^(%S+) (%S+) ?(%S*) ?(%S*) ?(%S*) ?(%S*)$')
  local unusable = id and wrong_run(id)
  redis.call('LPOP', key.advancing())
  local run = id and not unusable and run_of(id, now)
  if unusable then
    -- Behind the others, which must not wait for it.
    redis.call('RPUSH', key.advancing(), entry)
    stuck = stuck + 1
    if stuck >= redis.call('LLEN', key.advancing()) or stuck >= 20 then break end
  elseif run and works[work] then
    add(run.totals, 'advancing', -1)
    budget = run_propagate(run, budget - works[work](run, a, b, c, d))
    run_flush(run)
  end
end
return redis.call('LLEN', key.advancing()) - stuck
