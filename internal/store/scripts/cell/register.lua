-- register lets a request wait in this cell, and searches the cell in the same step:
-- a member listed later finds the request, a member listed before is found here.
-- Status: ok (with what search returns).
local lat, lng, radius, tags, want, self, request, created = arguments(8)

local text = redis.call('HGET', wait, self)
if not text or tonumber(cjson.decode(text).created) <= tonumber(created) then
  redis.call('HSET', wait, self, request)
  redis.call('PEXPIRE', wait, KEEP)
end
return nearest(lat, lng, tonumber(radius), tags, tonumber(want), self)
