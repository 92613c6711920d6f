-- How long each of some queues is, and since when the job at its head has waited. Only reads. Items stay here, since they may be
-- large; the ID of the head is looked at and not taken. A job that Ruby enqueued has no ID, so its age is not known.
-- @include ids-by-payload
-- @rest names
-- @reply {size (-1: another type), id of the first job or '', enqueued_at or '', due_at or '', …}
local found = {}
for _, queue in ipairs(names) do
  local size = redis.pcall('LLEN', key.queue(queue))
  local id, enqueued_at, due_at
  if type(size) == 'number' and size > 0 then
    local hash, field = key.idsByPayload(queue), payload_field(redis.call('LINDEX', key.queue(queue), 0))
    id = redis.pcall('HGET', hash, field)
    local head = type(id) == 'string' and string.match(id, '^(-?%d+) (-?%d+)$')
    if head then id = redis.pcall('HGET', hash, field .. ':' .. head) end
    if type(id) == 'string' then
      local times = redis.pcall('HMGET', key.job(id), 'enqueued_at', 'due_at')
      if not times.err then enqueued_at, due_at = times[1], times[2] end
    end
  end
  found[#found + 1] = type(size) == 'number' and size or -1
  found[#found + 1] = type(id) == 'string' and id or ''
  found[#found + 1] = enqueued_at or ''
  found[#found + 1] = due_at or ''
end
return found
