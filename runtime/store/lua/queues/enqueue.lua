-- Puts jobs on one queue, each with its record and ID, and takes their unique locks.
-- Promise 14: refused or written whole. A batch is at most a hundred jobs (promise 13).
-- @include push unique
-- @args queue now ttlMs
-- @rest jobs
-- `jobs` repeats: id, class, item, and '' or JSON of what else there is: `options` (JSON of per-call options), `unique` (its key, `for` in ms and
-- `until`), `digest` (of a large item; a wrong one would only part the job from its record, as another's push of the same bytes does)
-- @reply one element a job: 'ok', or the id of the job that holds the unique lock, its own where it was written before
local replies, placed, records, more = {}, 0, {}, {}
local NOTHING = {}
for i = 1, #jobs, 4 do
  local at, text = #records + 1, jobs[i + 3]
  records[at], more[at] = key.job(jobs[i]), text == '' and NOTHING or cjson.decode(text)
  if more[at].unique then
    check('unique', more[at].unique[1])
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

local items, ids, digests, fields_of = {}, {}, {}, {}
-- The push comes first: where the key is no list, or Redis's memory is full, it is refused, and with it the whole script.
local function write_collected()
  if #items == 0 then return end
  place(queue, items, ids, false, digests)
  for _, fields in ipairs(fields_of) do
    redis.call('HSET', unpack(fields))
    redis.call('PEXPIRE', fields[1], ttlMs)
  end
  placed, items, ids, digests, fields_of = placed + #items, {}, {}, {}, {}
end

for i, record in ipairs(records) do
  local id, class, item = unpack(jobs, i * 4 - 3, i * 4 - 1)
  local options, unique = more[i].options, more[i].unique
  -- Whether a lock is held shows in the queue, where jobs of this very call count, too.
  if unique then write_collected() end
  local holder = is_written[record] and id or unique and take_lock(unique[1], id, ttlMs)
  if not holder then
    local fields = { record, 'class', class, 'queue', queue, 'item', item, 'state', 'waiting', 'enqueued_at', now }
    if options then fields[12], fields[13] = 'options', options end
    if unique then
      for _, part in ipairs(lock_fields(unpack(unique))) do fields[#fields + 1] = part end
    end
    is_written[record] = true
    local at = #items + 1
    items[at], ids[at], digests[at], fields_of[at] = item, id, more[i].digest, fields
  end
  replies[i] = holder or 'ok'
end
write_collected()
if placed > 0 then wake_workers(queue, placed) end
return replies
