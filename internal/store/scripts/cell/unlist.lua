-- unlist takes a member out of this cell, unless a newer listing of it is here.
-- Status: unlisted, newer, absent.
local member, epoch = arguments(2)

local text = redis.call('HGET', seen, member)
if not text then
  return reply({ status = 'absent' })
end
if parse(text).epoch > tonumber(epoch) then
  return reply({ status = 'newer' })
end
drop(member)
return reply({ status = 'unlisted' })
