-- marked notes that the area knows that a box of this cell has members, until the span ends.
-- Status: ok.
local box = tonumber(arguments(1))

read_generation(current, '')
if current.known then
  local marked = current.marked .. string.rep('0', 16 - #current.marked)
  stamp(string.sub(marked, 1, box) .. '1' .. string.sub(marked, box + 2))
end
return reply({ status = 'ok' })
