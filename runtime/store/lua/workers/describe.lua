-- Adds to what a supervisor says of itself, as long as it has its lease: nothing removes what is written after its burial.
-- @include lease
-- @args supervisor about
-- `about` is a JSON object of strings.
-- @reply 'ok' | 'fenced'
if not owns_lease(supervisor) then return 'fenced' end
for field, value in pairs(cjson.decode(about)) do redis.call('HSET', key.supervisor(supervisor), field, value) end
return 'ok'
