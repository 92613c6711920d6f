-- Fields of a job's record; none where its key is no hash, as of a job that is gone: one such record must not stop a loop that
-- looks after many.
local function fields_of(id, ...)
  local row = redis.pcall('HMGET', key.job(id), ...)
  if row.err then return nil end
  return unpack(row)
end
