-- Writes Resque's record of the job in hand for workers whose job has run for a moment: Ruby's pages show it, and a Ruby worker that
-- takes ours for dead writes it to the failed list. A job that is over by now, or another's, is passed over. Garbage is
-- left out, since Ruby's web page would fall over it. `shown` of a job's record names the delivery that is shown. A job that was
-- taken ahead may run in another slot than the one that it was taken for: from here on its records name the one that it runs in.
-- @include payload lease
-- @args supervisor
-- @rest jobs
-- `jobs` repeats: worker, id, delivery, run_at as Resque writes it
-- @reply how many are shown
local count = 0
if not owns_lease(supervisor) then return count end
for i = 1, #jobs, 4 do
  local worker, id, delivery, run_at = unpack(jobs, i, i + 3)
  local held, row = redis.pcall('HGET', key.inflight(supervisor), id), redis.pcall('HMGET', key.job(id), 'queue', 'item')
  local is_held = type(held) == 'string' and string.match(held, '^%d+') == delivery
  if is_held and not row.err and row[1] and row[2] and is_object(row[2]) then
    local mark = '{"queue":' .. cjson.encode(row[1]) .. ',"run_at":"' .. run_at .. '","payload":' .. row[2] .. '}'
    redis.call('SET', key.worker(worker), mark)
    redis.call('HSET', key.job(id), 'shown', delivery, 'worker', worker)
    redis.call('HSET', key.inflight(supervisor), id, delivery .. ' ' .. worker)
    count = count + 1
  end
end
return count
