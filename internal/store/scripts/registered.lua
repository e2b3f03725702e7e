-- registered notes that the request of that moment stands in every cell its
-- circle touches.
-- Status: ok, other.
local created = ARGV[4]

local r = settle()
if not r or r.created ~= created or (r.state ~= 'waiting' and r.state ~= 'searching') then
  return reply({ status = 'other' })
end
redis.call('HSET', route, 'registered', '1')
return reply({ status = 'ok' })
