-- settle.lua for the good end of a job that is no step, holds no concurrency slot, and whose mark in Resque's worker record is
-- there. It does the same with less: most ends are of this kind, and to set up the functions of settle.lua costs more
-- than what they do. Where it is not of this kind nothing is written.
-- @include lease record archive
-- @args supervisor worker id delivery now state ttlMs
-- @rest fields
-- @reply 'ok' | 'lost' when the job is no longer this supervisor's | 'other' when settle.lua must record the end
local record = key.job(id)
local step, permits, lock, item = unpack(redis.call('HMGET', record, 'step', 'permits', 'unique', 'item'))
local mark = redis.pcall('GET', key.worker(worker))
if step or permits or not item or type(mark) ~= 'string' then return 'other' end
local held = redis.call('HGET', key.inflight(supervisor), id)
if not owns_lease(supervisor) or not held or string.match(held, '^%d+') ~= delivery then return 'lost' end
redis.call('HDEL', key.inflight(supervisor), id)
-- An end may be recorded after its slot has taken the next job: then the mark is that one's.
if string.sub(mark, -#item - 1) == item .. '}' then redis.call('DEL', key.worker(worker)) end
redis.pcall('INCR', key.statProcessed())
redis.pcall('INCR', key.statProcessedOf(worker))
if lock then drop_lock(id) end
redis.call('HDEL', record, 'turn')
redis.call('HSET', record, 'state', state, 'ended_at', now, unpack(fields))
local _, logged = pcall(archive, id)
redis.call('PEXPIRE', record, ttlMs)
if logged ~= false then redis.call('PEXPIRE', key.log(id), ttlMs) end
redis.pcall('PUBLISH', key.ended(id), state)
return 'ok'
