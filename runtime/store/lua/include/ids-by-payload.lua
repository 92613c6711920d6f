-- Which IDs belong to queue items: their bytes are Resque's own, and so carry no ID. Items with the same bytes are
-- interchangeable: their ids are handed out first come, first served. Field: digest of the bytes; value: the id, or
-- `<head> <tail>` when several wait, with the ids in `<digest>:<n>`, head <= n < tail.
local function payload_field(text)
  return string.sub(redis.sha1hex(text), 1, 24)
end

-- What is no hash are no ids.
local function put_id(hash, field, id, front)
  local is_first = redis.pcall('HSETNX', hash, field, id)
  if type(is_first) == 'table' then
    redis.call('UNLINK', hash)
    is_first = redis.call('HSETNX', hash, field, id)
  end
  if is_first == 1 then return end
  local value = redis.call('HGET', hash, field)
  local head, tail = string.match(value, '^(-?%d+) (-?%d+)$')
  if not head then
    redis.call('HSET', hash, field .. ':0', value)
    head, tail = 0, 1
  end
  head, tail = tonumber(head), tonumber(tail)
  local at = tail
  if front then
    head = head - 1
    at = head
  else
    tail = tail + 1
  end
  redis.call('HSET', hash, field .. ':' .. string.format('%d', at), id, field, string.format('%d %d', head, tail))
end

local function take_id(hash, field)
  local value = redis.pcall('HGET', hash, field)
  if not value or type(value) == 'table' then return nil end
  local head, tail = string.match(value, '^(-?%d+) (-?%d+)$')
  if not head then
    redis.call('HDEL', hash, field)
    return value
  end
  local slot = field .. ':' .. head
  local id = redis.call('HGET', hash, slot)
  redis.call('HDEL', hash, slot)
  if tonumber(head) + 1 >= tonumber(tail) then
    redis.call('HDEL', hash, field)
  else
    redis.call('HSET', hash, field, string.format('%d %s', tonumber(head) + 1, tail))
  end
  return id
end

-- The oldest ID of these bytes whose job still waits; ids of jobs cancelled meanwhile are passed over.
local function next_id(hash, field)
  local id = take_id(hash, field)
  while id do
    local state = redis.pcall('HGET', key.job(id), 'state')
    -- Another type under the record's key: there is no such job.
    if type(state) ~= 'table' and state ~= 'cancelled' then break end
    id = take_id(hash, field)
  end
  return id
end
