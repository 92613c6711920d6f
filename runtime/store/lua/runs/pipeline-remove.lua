-- Removes a pipeline with all its versions and parameters, unless a run of it is under way. Its runs and requests stay.
-- @include types
-- @args name
-- @reply {'ok'} | {'gone'} | {'running', run}
check('pipeline', name)
check('pipelineParams', name)
if redis.call('HEXISTS', key.pipelines(), name) == 0 then return { 'gone' } end
for _, run in ipairs(redis.call('ZINTER', 2, key.runsOf(name), key.runsIs('running'))) do
  -- A workflow class may have the same name.
  if redis.call('HEXISTS', key.run(run), 'pipeline') == 1 then return { 'running', run } end
end
redis.call('HDEL', key.pipelines(), name)
redis.call('UNLINK', key.pipeline(name), key.pipelineParams(name))
return { 'ok' }
