-- A move stops after so many bytes, whatever its batch, and is called again (promise 13).
local bytes_moved = 0
local function spent(item)
  bytes_moved = bytes_moved + #item
  return bytes_moved > 131072
end
