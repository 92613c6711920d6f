-- An entry of the failed list with the mark that Resque's requeue gives it, `retried_at`. It is put in as text: no byte of
-- the payload changes. Resque and this runtime read the last member of a name, so that an older mark may stay.
local function marked(entry, at)
  local body = string.match(entry, '^(.*)}%s*$')
  if not body then return entry end
  body = string.gsub(body, ',"retried_at":"[^"]*"$', '')
  local comma = string.match(body, '^%s*{%s*$') and '' or ','
  return body .. comma .. '"retried_at":"' .. at .. '"}'
end
