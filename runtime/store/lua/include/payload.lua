-- Ruby's web page and its requeue read `payload` as an object with a class: what is none is shown inside one, whole.
-- Items too large to decode in good time are taken at their first character's word.
local function is_object(item)
  if not string.match(item, '^%s*{') then return false end
  return #item > 65536 or (pcall(cjson.decode, item))
end

local function payload_of(item)
  return is_object(item) and item or '{"class":"(garbage)","args":[' .. cjson.encode(item) .. ']}'
end
