-- A supervisor owns what it holds only while its lease, in Redis time, has not run out (promise 3).
-- One script sees one time.
local script_time
local function redis_time()
  script_time = script_time or redis.call('TIME')
  return script_time
end

local function redis_ms()
  local t = redis_time()
  return tonumber(t[1]) * 1000 + math.floor(tonumber(t[2]) / 1000)
end

local lease_is_owned = {}
local function owns_lease(supervisor)
  if lease_is_owned[supervisor] == nil then
    local ends = redis.call('ZSCORE', key.supervisors(), supervisor)
    lease_is_owned[supervisor] = ends and tonumber(ends) > redis_ms()
  end
  return lease_is_owned[supervisor]
end
