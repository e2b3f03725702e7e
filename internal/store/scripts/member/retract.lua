-- retract takes back the request of that moment, whose message failed: a repeat of its id begins
-- anew.
-- Status: ok, other.
local created = arguments(1)

local r = current_route()
if not r or r.created ~= created or r.state == 'active' or r.state == 'ended' then
  return reply({ status = 'other' })
end
close_request(r, 'retracted', nil)
return reply({ status = 'ok', changes = index_changes(nil, true) })
