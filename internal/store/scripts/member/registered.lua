-- registered notes that the request of that moment waits in every cell its circle
-- touches.
-- Status: ok, other.
local created = arguments(1)

local r = current_route()
if not r or r.created ~= created or r.state == 'active' or r.state == 'ended' then
  return reply({ status = 'other' })
end
redis.call('HSET', route, 'registered', '1')
return reply({ status = 'ok' })
