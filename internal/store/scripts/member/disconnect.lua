-- disconnect ends a connection if it is still the current one and older than `age` ms.
-- The match and the request stay, the position does not. In a match, the reply names the other half,
-- whose member is to be told.
-- Status: ok, just_connected, other.
local conn, age = arguments(2)

if m.conn ~= conn or m.gone then
  return reply({ status = 'other' })
end
age = tonumber(age)
if age > 0 and now - tonumber(m.connected) < age then
  return reply({ status = 'just_connected' })
end
m.gone = left_at() or now
if m.availableAt or m.tagsAt then
  keep_choice()
end
if not m.claimMatch then
  hide_position() -- a matcher sees its matchee until the match ends
end
local r = current_route()
local claimed = m.claimConfirmed == '1'
return reply({ status = 'ok', changes = index_changes(r), presence = presence_of(r),
  claim = claimed and claim_of() or nil, route = not claimed and r and r.state == 'active' and route_of(r) or nil })
