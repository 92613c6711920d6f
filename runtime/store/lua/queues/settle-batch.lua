-- Records ends of jobs, several in one call, while the worker takes no job: see include/record-ends.lua. With jobs to take, reserve.lua does it.
-- @include record-ends
-- @args supervisor now failedMax ends
-- @reply for each: 'ok' | 'lost' | 'other'
return record_ends(supervisor, now, failedMax, ends)
