-- Reads JSON of others as they mean it. cjson refuses half a surrogate pair, which JavaScript writes for a text cut in the
-- middle of an emoji: it is read as U+FFFD, which is also what Redis gets for it from a JavaScript client. Returns what
-- pcall(cjson.decode, text) does.
local function decode(text)
  local ok, value = pcall(cjson.decode, text)
  if ok then return ok, value end
  return pcall(cjson.decode, (string.gsub(text, '\\u[dD][89a-fA-F]%x%x', '\\ufffd')))
end
