-- confirm makes the claim final; the member's own request is answered by it.
-- Status: yours (also when repeated), refused.
local matcher, match = arguments(2)

if m.claimMatch ~= match or m.claimMatcher ~= matcher then
  return reply({ status = 'refused' })
end
local own
if m.claimConfirmed == '1' then
  own = { id = request_of(match) }
else
  m.claimConfirmed = '1'
  note_untold('matched', match)
  local r = current_route()
  if r and r.state == 'waiting' then
    own = request(r)
    close_request(r, 'matched', match)
    m.claimRequest = '1'
  end
end
return reply({ status = 'yours', tell = to_push(match), connection = connection(), card = m.card,
  request = own, position = position_of(), changes = index_changes(nil) })
