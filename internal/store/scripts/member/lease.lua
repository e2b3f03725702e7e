-- lease hands a waiting request to an assignment attempt.
-- Status: ok (also when repeated), claimed (suspended), searching (or offered), silent (its
-- owner is away), other.
local match = arguments(1)

local r = current_route()
if r and (r.state == 'searching' or r.state == 'offered') then
  local mine = r.state == 'searching' and r.match == match
  if not mine then
    redis.call('HSET', route, 'missed', '1') -- somebody came whom that search may have missed
  end
  return reply({ status = mine and 'ok' or 'searching', request = request(r) })
end
if not r or r.state ~= 'waiting' then
  return reply({ status = 'other' })
end
if m.claimMatch then
  return reply({ status = 'claimed' })
end
if (m.heard or m.reported or 0) <= now - grace then
  redis.call('HSET', route, 'registered', '0') -- its next message registers and searches anew
  return reply({ status = 'silent' })
end
local till = math.min(now + LEASE, tonumber(r.deadline))
redis.call('HSET', route, 'state', 'searching', 'match', match, 'till', int(till), 'searched', int(now))
redis.call('HDEL', route, 'missed')
r.state, r.match = 'searching', match
return reply({ status = 'ok', request = to_search(r) })
