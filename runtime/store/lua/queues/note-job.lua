-- Sets fields of a running job's record. A late note of a job that has ended, or whose record is gone, is dropped: it would
-- leave a record without a time to live.
-- @args id
-- @rest fields
-- @reply 'ok' | 'ended'
if redis.call('HGET', key.job(id), 'state') ~= 'running' then return 'ended' end
redis.call('HSET', key.job(id), unpack(fields))
return 'ok'
