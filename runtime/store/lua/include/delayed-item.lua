-- Reads an item of a Resque bucket without changing a byte of what it carries (promise 11): cjson looks, and never
-- writes a payload back, since it would round numbers and turn [] into {}.
-- @include decode
-- @lazy read_delayed
local function skip_blank(text, at)
  return string.find(text, '[^ \t\r\n]', at) or #text + 1
end

local function skip_string(text, at)
  at = at + 1
  while true do
    local stop = string.find(text, '["\\]', at)
    if not stop then return #text + 1 end
    if string.byte(text, stop) == 34 then return stop + 1 end
    at = stop + 2
  end
end

local function skip_value(text, at)
  local first = string.sub(text, at, at)
  if first == '"' then return skip_string(text, at) end
  if first ~= '{' and first ~= '[' then return string.find(text, '[,}%] \t\r\n]', at) or #text + 1 end
  local depth = 0
  repeat
    at = string.find(text, '["{}%[%]]', at)
    if not at then return #text + 1 end
    local char = string.sub(text, at, at)
    if char == '"' then
      at = skip_string(text, at)
    else
      depth = depth + ((char == '{' or char == '[') and 1 or -1)
      at = at + 1
    end
  until depth == 0
  return at
end

-- The members of a JSON object as the raw text of their values; the last one counts when a name stands twice.
local function raw_members(text)
  local members, at = {}, skip_blank(text, skip_blank(text, 1) + 1)
  while string.sub(text, at, at) == '"' do
    local name_end = skip_string(text, at)
    local start = skip_blank(text, skip_blank(text, name_end) + 1)
    local stop = skip_value(text, start)
    local _, name = decode('[' .. string.sub(text, at, name_end - 1) .. ']')
    members[name[1]] = string.sub(text, start, stop - 1)
    at = skip_blank(text, stop)
    if string.sub(text, at, at) == ',' then at = skip_blank(text, at + 1) end
  end
  return members
end

-- Returns the queue item, its queue (nil: the item names none) and its class; or nil when the text is no job.
-- As Ruby reads it: no args are none, and what is not an array is one argument. Further members are dropped.
local function read_object(text)
  local ok, value = decode(text)
  if not ok and not string.find(tostring(value), 'nested', 1, true) then return nil end
  -- The form that Ruby and we write, without an escape in its names. In JSON text no string can hold `,"queue":"`
  -- as such, so that a match is the cut.
  local name, list, to = string.match(text, '^{"class":"([%w_:]+)","args":(%b[]),"queue":"([^"\\]+)"}$')
  if name then return '{"class":"' .. name .. '","args":' .. list .. '}', to, name end
  if string.find(text, '^[ \t\r\n]*{') == nil then return nil end
  local raw = raw_members(text)
  local _, named = decode('[' .. (raw.class or 'null') .. ',' .. (raw.queue or 'null') .. ']')
  local class, queue = unpack(named)
  if type(class) ~= 'string' or class == '' then return nil end
  local args = raw.args
  if not args or args == 'null' then args = '[]' end
  if string.sub(args, 1, 1) ~= '[' then args = '[' .. args .. ']' end
  if type(queue) ~= 'string' or queue == '' then queue = nil end
  return '{"class":' .. raw.class .. ',"args":' .. args .. '}', queue, class
end

-- Whatever lies in a bucket must not stop the mover: text that defeats the scanner is no job either.
local function read_delayed(text)
  local ok, item, queue, class = pcall(read_object, text)
  if ok then return item, queue, class end
  return nil
end
