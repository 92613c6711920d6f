-- Puts jobs on one queue, each with its record and ID, and takes their unique locks.
-- Promise 14: refused or written whole. A batch is at most a hundred jobs (promise 13).
-- @include push unique
-- @args queue now ttlMs
-- @rest jobs
-- `jobs` repeats: id, class, item, options (JSON of per-call options or ''), unique key (or ''), its `for` in ms, its
-- `until`
-- @reply one element a job: 'ok', or the id of the job that holds the unique lock, its own where it was written before
local replies, placed, records = {}, 0, {}
for i = 1, #jobs, 7 do
  records[#records + 1] = key.job(jobs[i])
  if jobs[i + 4] ~= '' then
    check('unique', jobs[i + 4])
    check('queue', queue)
  end
end
-- An id whose record is there was enqueued before: the caller got no answer, and asks again.
local is_written = {}
if redis.call('EXISTS', unpack(records)) > 0 then
  for i, record in ipairs(records) do
    check_key(record, 'hash')
    is_written[record] = redis.call('EXISTS', record) == 1
  end
end

local items, ids, fields_of = {}, {}, {}
-- The push comes first: where the key is no list, or Redis's memory is full, it is refused, and with it the whole script.
local function write_collected()
  if #items == 0 then return end
  place(queue, items, ids)
  for _, fields in ipairs(fields_of) do
    redis.call('HSET', unpack(fields))
    redis.call('PEXPIRE', fields[1], ttlMs)
  end
  placed, items, ids, fields_of = placed + #items, {}, {}, {}
end

for i, record in ipairs(records) do
  local id, class, item, options, lock, lasts_ms, lasts_until = unpack(jobs, i * 7 - 6, i * 7)
  -- Whether a lock is held shows in the queue, where jobs of this very call count, too.
  if lock ~= '' then write_collected() end
  local holder = is_written[record] and id or lock ~= '' and take_lock(lock, id, ttlMs)
  if not holder then
    local fields = { record, 'class', class, 'queue', queue, 'item', item, 'state', 'waiting', 'enqueued_at', now }
    if options ~= '' then fields[12], fields[13] = 'options', options end
    if lock ~= '' then
      for _, part in ipairs(lock_fields(lock, lasts_ms, lasts_until)) do fields[#fields + 1] = part end
    end
    is_written[record] = true
    items[#items + 1], ids[#ids + 1], fields_of[#fields_of + 1] = item, id, fields
  end
  replies[i] = holder or 'ok'
end
write_collected()
if placed > 0 then wake_workers(queue, placed) end
return replies
