-- list puts a member into this cell, unless a newer listing of it is here.
-- Returns 'listed' or 'older', then the requests that wait for it here.
local member, lat, lng, at, seq = ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]
local heard, session, epoch, tags = ARGV[8], ARGV[9], ARGV[10], ARGV[11]

local text = redis.call('HGET', seen, member)
if text and parse(text).epoch >= tonumber(epoch) then
  return { 'older' }
end
redis.call('GEOADD', near, lng, lat, member)
redis.call('HSET', seen, member, heard .. ' ' .. at .. ' ' .. seq .. ' ' .. session .. ' ' .. epoch)
if tags == '' then
  redis.call('HDEL', tagged, member)
else
  redis.call('HSET', tagged, member, tags)
end
keep()
return waiting('listed', member, tonumber(lat), tonumber(lng), tags)
