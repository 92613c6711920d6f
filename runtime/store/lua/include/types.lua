-- Redis takes nothing back: what a script has written stays written when a later command fails. So each script looks at the
-- types of the keys that it is going to write before it writes, and writes nothing where one is of another type.
-- `wrong('job', id)` and `check('job', id)` name a key as runtime/store/keys.ts does; script/build-lua.ts turns them into
-- calls of these two, with the key and its type.

-- Why a key cannot be used, in words; nil when it can.
local function wrong_key(name, kind)
  local is = redis.call('TYPE', name).ok
  if is ~= kind and is ~= 'none' then return 'WRONGTYPE ' .. name .. ' holds a ' .. is .. ' where a ' .. kind .. ' belongs' end
end

local function check_key(name, kind)
  local why = wrong_key(name, kind)
  if why then error(why, 0) end
end
