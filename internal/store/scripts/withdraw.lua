-- withdraw takes a request of that moment, or an older one, out of this cell.
-- Returns 'ok'.
local owner, created = ARGV[3], tonumber(ARGV[4])

local text = redis.call('HGET', wait, owner)
if text and tonumber(cjson.decode(text).created) <= created then
  redis.call('HDEL', wait, owner)
end
return { 'ok' }
