-- notified notes that both sides were notified of their match, or that both are free
-- again after its end.
-- Status: ok, other.
local match, state = arguments(2) -- active or ended

local r = current_route()
if not r or r.state ~= state or r.match ~= match then
  return reply({ status = 'other' })
end
redis.call('HSET', route, 'notified', '1')
return reply({ status = 'ok' })
