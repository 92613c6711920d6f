-- Names a job that failed without a worker of its own: the next worker whose application has an onDeath hook takes the name.
local function note_death(id)
  redis.pcall('RPUSH', key.deaths(), id)
  redis.pcall('LTRIM', key.deaths(), -100, -1)
  redis.pcall('PEXPIRE', key.deaths(), 3600000)
end
