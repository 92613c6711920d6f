-- One archiver at a time moves records to PostgreSQL: takes or renews its turn, and gives it the oldest records. They stay
-- until archive-done, so a crash loses none (at least once; the archive takes a record twice without harm).
-- @include types
-- @args owner leaseMs count
-- @reply {'busy'} | {'turn', [[entry id, [field, value, …]], …]}
local holder = redis.call('GET', key.archiveTurn())
if holder and holder ~= owner then return { 'busy' } end
check('archive')
redis.call('SET', key.archiveTurn(), owner, 'PX', leaseMs)
return { 'turn', redis.call('XRANGE', key.archive(), '-', '+', 'COUNT', count) }
