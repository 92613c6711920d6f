-- A Ruby worker that starts takes one of our workers for dead, sometimes before its lease has run out, and writes a
-- Resque::DirtyExit to the failed list for the job in hand. That job is put back here or ends here, so its entry gets
-- the mark of a retry: `failed retry --all` must not run the job twice.
-- @include decode failed-mark types
-- @lazy mark_dirty_exit
local LOOKED_AT, LOOKED_AT_BYTES = 100, 1048576

local function is_dirty_exit(entry, worker, item)
  if not string.find(entry, 'DirtyExit"', 1, true) or string.find(entry, '"retried_at"', 1, true) then return false end
  local good, value = decode(entry)
  -- Entries of this runtime carry the job's id.
  if not good or type(value) ~= 'table' or value.worker ~= worker or value.id then return false end
  local exception, payload = value.exception, value.payload
  if exception ~= 'Resque::DirtyExit' and exception ~= 'Resque::PruneDeadWorkerDirtyExit' then return false end
  local fine, job = decode(item)
  return fine and type(job) == 'table' and type(payload) == 'table' and payload.class == job.class
    and cjson.encode(payload.args) == cjson.encode(job.args)
end

local function mark_dirty_exit(worker, item, at)
  if wrong('failed') then return end
  local bytes = 0
  for index = -1, -LOOKED_AT, -1 do
    local entry = redis.call('LINDEX', key.failed(), index)
    if not entry or bytes > LOOKED_AT_BYTES then return end
    bytes = bytes + #entry
    if is_dirty_exit(entry, worker, item) then
      redis.call('LSET', key.failed(), index, marked(entry, at))
      return
    end
  end
end
