-- unlist takes a member out of this cell, unless a newer listing of it is here.
-- Status: unlisted, newer, absent.
local member, epoch = arguments(2)

local k, g = listing(member)
if not k then
  return reply({ status = 'absent' })
end
if k.epoch > tonumber(epoch) then
  return reply({ status = 'newer' })
end
drop(g, { member }, { k.tags })
return reply({ status = 'unlisted' })
