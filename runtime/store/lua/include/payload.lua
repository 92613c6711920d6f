-- Ruby's web page and its requeue read `payload` as an object with a class: what is none is shown inside one, whole.
-- Items too large to decode in good time are taken at their first character's word.
-- @include decode
local function is_object(item)
  if not string.match(item, '^%s*{') then return false end
  if #item > 65536 then return true end
  if not decode(item) then return false end
  -- cjson takes NaN, Infinity and 0x1F for numbers; no other parser does.
  local lower = string.lower(item)
  if not string.find(lower, 'nan', 1, true) and not string.find(lower, 'inf', 1, true) and not string.find(lower, '0x', 1, true) then return true end
  local bare = string.gsub(string.gsub(lower, '\\.', ''), '"[^"]*"', '')
  return not string.find(bare, 'nan') and not string.find(bare, 'inf') and not string.find(bare, '0x')
end

-- Ruby's requeue of many entries stops at one whose payload has no class.
local function names_class(item)
  if #item > 65536 then return string.find(item, '"class"%s*:%s*"[^"]') end
  local _, value = decode(item)
  return type(value.class) == 'string' and value.class ~= ''
end

local function payload_of(item)
  return is_object(item) and names_class(item) and item or '{"class":"(garbage)","args":[' .. cjson.encode(item) .. ']}'
end
