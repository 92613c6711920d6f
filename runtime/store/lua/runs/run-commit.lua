-- Makes a written run visible, whole, or refuses it because another run of its unique class is under way. Until here its
-- keys have a time to live and no list names it, so a creator that dies halfway leaves nothing (promise 14).
-- @include run-keys
-- @args id class now unique
-- @rest fields
-- @reply 'ok' | the id of the run in the way
local holder = unique ~= '' and redis.call('GET', key.runUnique(unique))
if holder then return holder end
check('run', id)
check('runs')
check('runsExpiring')
check('runsIs', 'pending')
check('runsOf', class)
redis.call('HSET', key.run(id), 'status', 'pending', 'class', class, 'created_at', now, unpack(fields))
if unique ~= '' then redis.call('HSET', key.run(id), 'unique', unique) end
for _, name in ipairs(run_keys(id)) do redis.call('PERSIST', name) end
-- A run that is never started expires like one that has ended.
local ttl = tonumber(redis.call('HGET', key.run(id), 'ttl_ms') or 0)
if ttl > 0 then redis.call('ZADD', key.runsExpiring(), tonumber(now) + ttl, id) end
redis.call('ZADD', key.runs(), now, id)
redis.call('ZADD', key.runsIs('pending'), now, id)
redis.call('ZADD', key.runsOf(class), now, id)
redis.pcall('ZADD', key.runsIsOf('pending', class), now, id)
return 'ok'
