-- Finds jobs of the millisecond set by their bytes and queue, in a part of the set (promise 13): what stays in the set
-- while all parts are looked at is found.
-- @args cursor item queue
-- @reply {cursor of the next part, 0 after the last, {id, due ms, …}}
local cursor_next, page = unpack(redis.call('ZSCAN', key.delayed(), cursor, 'COUNT', 500))
local found = {}
for i = 1, #page, 2 do
  local record = redis.pcall('HMGET', key.job(page[i]), 'item', 'queue')
  if record[1] == item and record[2] == queue then
    found[#found + 1] = page[i]
    found[#found + 1] = page[i + 1]
  end
end
return { cursor_next, found }
