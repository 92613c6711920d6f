-- Gives a duty up, and tells those who wait for it.
-- @args duty owner
-- @reply 'ok'
if redis.pcall('GET', key.duty(duty)) == owner then
  redis.call('DEL', key.duty(duty))
  redis.pcall('PUBLISH', key.wakeDuties(), duty)
end
return 'ok'
