-- decline takes an offer back to its request, which goes on without the one who declined.
-- Status: ok, active (it is accepted by now), other (also when repeated).
local match, matchee = arguments(2)

local r = current_route()
if not (r and r.match == match and r.matchee == matchee) then
  return reply({ status = 'other', reason = (end_reason(match)) })
end
if r.state == 'active' then
  return reply({ status = 'active' })
end
if r.state ~= 'offered' then
  return reply({ status = 'other' })
end
take_back(r, 'declined')
return reply({ status = 'ok', tell = to_push(match), connection = connection() })
