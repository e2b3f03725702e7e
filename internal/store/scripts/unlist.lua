-- unlist takes a member out of this cell, unless a newer listing of it is here.
-- Returns 'unlisted', 'newer' or 'absent'.
local member, epoch = ARGV[3], tonumber(ARGV[4])

local text = redis.call('HGET', seen, member)
if not text then
  return { 'absent' }
end
if parse(text).epoch > epoch then
  return { 'newer' }
end
drop(member)
return { 'unlisted' }
