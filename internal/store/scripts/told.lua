-- told notes that both sides were sent their match, or that both are free again
-- after its end.
-- Status: ok, other.
local match, state = ARGV[4], ARGV[5] -- active or ended

local r = settle()
if not r or r.state ~= state or r.match ~= match then
  return reply({ status = 'other' })
end
redis.call('HSET', route, 'told', '1')
return reply({ status = 'ok' })
