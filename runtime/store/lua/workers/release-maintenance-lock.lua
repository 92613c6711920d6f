-- Releases the maintenance lock, and publishes that it is free.
-- @args duty owner
-- @reply 'ok'
if redis.pcall('GET', key.duty(duty)) == owner then
  redis.call('DEL', key.duty(duty))
  redis.pcall('PUBLISH', key.wakeDuties(), duty)
end
return 'ok'
