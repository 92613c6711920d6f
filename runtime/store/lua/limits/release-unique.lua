-- Gives up a unique lock whose job is neither queued, delayed nor in flight; the lock of any other job stays.
-- @include unique types
-- @args lock
-- @reply {'released' | 'held', id of its job} | {'gone'}
check('unique', lock)
local id = redis.call('GET', key.unique(lock))
if not id then return { 'gone' } end
if is_held(id, lock) then return { 'held', id } end
redis.call('DEL', key.unique(lock))
return { 'released', id }
