-- Puts runs into the index by class and status that versions without it have created or moved: the next batch of all runs,
-- or, with `ids`, runs that the index has under `class` and `status` and that are no longer so; then all are looked at again.
-- @args count status class
-- @rest ids
-- @reply 1 when all runs are in the index, else 0
local statuses = { 'pending', 'running', 'finished', 'failed', 'stopped' }

local function index(id)
  local meta = redis.pcall('HMGET', key.run(id), 'status', 'class', 'created_at')
  if meta.err or not meta[1] then return end
  for _, name in ipairs(statuses) do
    if name == meta[1] then
      redis.pcall('ZADD', key.runsIsOf(name, meta[2]), meta[3], id)
    else
      redis.pcall('ZREM', key.runsIsOf(name, meta[2]), id)
    end
  end
end

if #ids > 0 then
  for _, id in ipairs(ids) do
    redis.pcall('ZREM', key.runsIsOf(status, class), id)
    index(id)
  end
  redis.call('DEL', key.runsIndexed())
  return 0
end
local cursor = redis.pcall('GET', key.runsIndexed())
if cursor == 'all' then return 1 end
local next, members = unpack(redis.call('ZSCAN', key.runs(), type(cursor) == 'string' and cursor or '0', 'COUNT', count))
for i = 1, #members, 2 do index(members[i]) end
redis.call('SET', key.runsIndexed(), next == '0' and 'all' or next)
return next == '0' and 1 or 0
