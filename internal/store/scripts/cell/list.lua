-- list puts a member into this cell, unless a newer listing of it is here. With
-- listed come the requests that wait for it here.
-- Status: listed, older.
local member, lat, lng, at, seq, heard, session, epoch, tags = arguments(9)

local text = redis.call('HGET', seen, member)
if text and parse(text).epoch >= tonumber(epoch) then
  return reply({ status = 'older' })
end
redis.call('GEOADD', near, lng, lat, member)
redis.call('HSET', seen, member, heard .. ' ' .. at .. ' ' .. seq .. ' ' .. session .. ' ' .. epoch)
if tags == '' then
  redis.call('HDEL', tagged, member)
else
  redis.call('HSET', tagged, member, tags)
end
keep()
return reply({ status = 'listed', waiting = waiting(member, tonumber(lat), tonumber(lng), tags) })
