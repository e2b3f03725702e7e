-- offer offers the match to the member that the search has claimed: from here on the offer stands.
-- `distance` is how far away that member is, for those who are asked.
-- Status: yours (also when repeated), active (it is accepted by now), refused.
local match, matchee, far = arguments(3)

local r = current_route()
local mine = r and r.match == match and r.matchee == matchee
if mine and r.state == 'active' then
  return reply({ status = 'active' })
end
if not (mine and r.state == 'offered') then
  if not (r and r.state == 'searching' and r.match == match) then
    return reply({ status = 'refused' })
  end
  r.state, r.matchee, r.distance, r.till = 'offered', matchee, far, int(now + r.confirm)
  redis.call('HSET', route, 'state', 'offered', 'matchee', matchee, 'distance', far, 'till', r.till)
  redis.call('PEXPIRE', route, int(math.max(r.till, r.deadline) - now + LEASE))
  note_untold('offered', match)
  note_event('match.offered', match, r, nil, far)
end
return reply({ status = 'yours', tell = to_push(match), connection = connection(), route = route_of(r) })
