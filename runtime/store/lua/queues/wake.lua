-- Wakes idle workers for what waits in a queue, at most `count`: for a queue that was resumed, and for a worker that was
-- woken and cannot take the job.
-- @include wake
-- @args queue count
-- @reply 'ok'
local waiting = redis.pcall('LLEN', key.queue(queue))
if type(waiting) == 'number' and waiting > 0 then wake_workers(queue, math.min(waiting, tonumber(count))) end
return 'ok'
