-- Redis takes nothing back: what a script has written stays written when a later command fails. So each script looks at the
-- types of the keys that it is going to write before it writes, and writes nothing where one is of another type.

-- Why a key cannot be used, in words; nil when it can. `kind` is its name in runtime/store/keys.ts.
local function wrong(kind, ...)
  local name = key[kind](...)
  local is = redis.call('TYPE', name).ok
  if is ~= types[kind] and is ~= 'none' then return 'WRONGTYPE ' .. name .. ' holds a ' .. is .. ' where a ' .. types[kind] .. ' belongs' end
end

local function check(...)
  local why = wrong(...)
  if why then error(why, 0) end
end
