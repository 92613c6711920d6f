-- Lets another archiver move records at once; an owner that does not hold the lock changes nothing.
-- @args owner
-- @reply 1 when it held the lock
if redis.call('GET', key.archiveTurn()) ~= owner then return 0 end
return redis.call('DEL', key.archiveTurn())
