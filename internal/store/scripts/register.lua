-- register lets a request wait in this cell, and searches the cell in the same
-- step: whoever is listed later finds the request, whoever was is found here.
-- Returns '1' or '0' and members, as search does.
local lat, lng, radius, tags, want, self = ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6], tonumber(ARGV[7]), ARGV[8]
local request, created = ARGV[9], tonumber(ARGV[10])

local text = redis.call('HGET', wait, self)
if not text or tonumber(cjson.decode(text).created) <= created then
  redis.call('HSET', wait, self, request)
  redis.call('PEXPIRE', wait, KEEP)
end
return nearest(lat, lng, radius, tags, want, self)
