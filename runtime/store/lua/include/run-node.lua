-- A run's nodes live in one string, 44 bytes a node, so that a run of a hundred thousand jobs is a few keys and a node
-- is found by its index. Little endian: state u8, flags u8, kind u16, open parents u32 | children at u32, count u32 |
-- parents at u32, count u32 (both index the edge strings) | attempts u32 | started f64 | ended f64, in ms. While it is
-- queued, `started` says since when: that is how long its step waited.
-- runtime/store/runs/run-table.ts writes and reads the same layout. States and moves: docs/states.md, runtime/workflow/run/run-state.ts.
-- @include types memory
local NODE_BYTES, NODE = 44, '<BBHIIIIIIdd'
local EDGE_ID = 2 ^ 30
local node_states = { [0] = 'staged', 'waiting', 'delayed', 'queued', 'running', 'finished', 'failed', 'skipped', 'held' }
local node_codes = {}
for code, name in pairs(node_states) do node_codes[name] = code end
local node_moves = {
  staged = 'waiting',
  waiting = 'queued delayed held skipped',
  delayed = 'running failed held skipped',
  queued = 'running failed held skipped',
  running = 'finished failed delayed queued held',
  finished = '',
  failed = 'queued held skipped',
  skipped = '',
  held = 'queued delayed skipped',
}
-- PASSED: some parent let it go on. MORE, MORE_PARENTS: edges were added while running. FAILED_BEFORE: its failure branches
-- are settled. VETOED: a parent decided that it shall not run.
local PASSED, MORE, FAILED_BEFORE, VETOED, MORE_PARENTS = 1, 2, 4, 8, 16

-- Why a run cannot be changed, in words: one of the keys that its changes write is of another type.
local function wrong_run(id)
  local why = wrong('run', id) or wrong('runTable', id) or wrong('runChildren', id) or wrong('runParents', id)
    or wrong('runMore', id) or wrong('runKinds', id) or wrong('runTally', id) or wrong('runOutputs', id) or wrong('runFailed', id)
    or wrong('runRetrying', id) or wrong('runHeld', id) or wrong('runOwners', id) or wrong('runMoves', id) or wrong('advancing')
    or wrong('runsExpiring') or wrong('delayed')
  if why then return why end
  if redis.call('EXISTS', key.runKinds(id)) == 0 and redis.call('EXISTS', key.runTable(id)) == 1 then
    return 'WRONGTYPE ' .. key.runKinds(id) .. ' is gone'
  end
  for _, status in ipairs({ 'pending', 'running', 'finished', 'failed', 'stopped' }) do why = why or wrong('runsIs', status) end
  local unique = redis.call('HGET', key.run(id), 'unique')
  local memory = memory_of(id)
  return why or unique and wrong('runUnique', unique) or memory and (wrong('runMemory', memory.prefix, id) or wrong('runMemoryBy', memory.prefix, id))
end

local function check_run(id)
  local why = wrong_run(id)
  if why then error(why, 0) end
end

-- A step whose run can be changed, `<run> <node>`, or nil: then its job ends, or goes back, without its run.
local function usable_step(step)
  return step and not wrong_run(string.match(step, '^%S+')) and step or nil
end

-- One run during one script: what changes is counted here and written once, by run_flush.
local function run_of(id, now)
  local meta = redis.call('HMGET', key.run(id), 'status', 'class', 'created_at', 'ttl_ms', 'unique', 'history')
  if not meta[1] then return nil end
  return {
    id = id, status = meta[1], class = meta[2] or '', created = string.match(meta[3] or '', '^%d+$') or now,
    ttl = tonumber(string.match(meta[4] or '', '^%d+$')) or 0, unique = meta[5], history = meta[6], now = tonumber(now),
    tally = {}, totals = {}, kinds = {}, items = {}, refused = {}, todo = {},
  }
end

-- The node whose record begins at a byte; nil when its state is none of those above.
local function node_of(bytes, at, index)
  local state, flags, kind, open, children_at, children, parents_at, parents, attempts, started, ended = struct.unpack(NODE, bytes, at)
  return node_states[state] and {
    index = index, state = node_states[state], flags = flags, kind = kind, open = open,
    children_at = children_at, children = children, parents_at = parents_at, parents = parents,
    attempts = attempts, started = started, ended = ended,
  }
end

-- Nil where a run has no such node, or a damaged one: it is left out, and the rest of the run goes on.
local function read_node(run, index)
  if not index or index < 0 or index >= EDGE_ID or index % 1 ~= 0 then return nil end
  local bytes = redis.call('GETRANGE', key.runTable(run.id), index * NODE_BYTES, (index + 1) * NODE_BYTES - 1)
  return #bytes == NODE_BYTES and node_of(bytes, 1, index) or nil
end

local function write_node(run, node)
  local bytes = struct.pack(NODE, node_codes[node.state], node.flags, node.kind, node.open, node.children_at, node.children,
    node.parents_at, node.parents, node.attempts, node.started, node.ended)
  redis.call('SETRANGE', key.runTable(run.id), node.index * NODE_BYTES, bytes)
end

local function has(node, flag)
  return math.floor(node.flags / flag) % 2 == 1
end

local function raise(node, flag)
  if not has(node, flag) then node.flags = node.flags + flag end
end

local function add(counts, field, n)
  counts[field] = (counts[field] or 0) + n
end

-- Runs with a `history` (pipelines) keep each move with its time: `<node> <state> <ms> <due>`, the latest 5000.
local function note(run, node, what, due)
  if not run.history then return end
  local moves = redis.call('RPUSH', key.runMoves(run.id), node.index .. ' ' .. what .. ' ' .. string.format('%.0f', run.now) .. ' ' .. (due or ''))
  if moves > 5000 then redis.call('LPOP', key.runMoves(run.id)) end
end

-- The one place where a node changes its state; its caller writes the node. False, and nothing changed, when the table does not allow it.
local function move(run, node, to)
  if not string.find(node_moves[node.state], to, 1, true) then return false end
  if node.state ~= 'staged' then
    add(run.tally, node.kind .. ':' .. node.state, -1)
    add(run.totals, node.state, -1)
  end
  add(run.tally, node.kind .. ':' .. to, 1)
  add(run.totals, to, 1)
  node.state = to
  if to == 'queued' then node.started = run.now end
  note(run, node, to, run.due)
  return true
end

-- What nodes of one kind have in common: {class, queue, wait, json: as it lies in Redis, …}; false where the run does not say that.
local function kind_of(run, node)
  local kind = run.kinds[node.kind]
  if kind == nil then
    local json = redis.call('HGET', key.runKinds(run.id), node.kind)
    local good, read = pcall(cjson.decode, json)
    kind = good and type(read) == 'table' and type(read.class) == 'string' and type(read.queue) == 'string' and read
    if kind then kind.json, kind.wait = json, type(kind.wait) == 'number' and kind.wait or nil end
    run.kinds[node.kind] = kind
  end
  return kind
end
