-- told notes that both sides were sent their match.
-- Status: ok, other.
local match = ARGV[4]

local r = settle()
if not r or r.state ~= 'active' or r.match ~= match then
  return reply({ status = 'other' })
end
redis.call('HSET', route, 'told', '1')
return reply({ status = 'ok' })
