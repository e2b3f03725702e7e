-- withdraw takes a request of that moment, or an older one, out of this cell.
-- Status: ok.
local owner, created = arguments(2)

local text = redis.call('HGET', wait, owner)
if text and tonumber(cjson.decode(text).created) <= tonumber(created) then
  redis.call('HDEL', wait, owner)
end
return reply({ status = 'ok' })
