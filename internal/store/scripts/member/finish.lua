-- finish ends a match on the matcher's slot: from here on it is over.
-- Status: ended (also when repeated before both are free), already_ended (`reason`
-- says why), other. `early` is who ended it early: `by`, if it was.
local match, matchee, reason, by, perMinute, matchesPerHour, harvestPerHour, coolDown = arguments(8)

local r = current_route()
local mine = r and r.match == match and r.matchee == matchee
local repeated = mine and r.state == 'ended' and r.notified ~= '1'
if not repeated and not (mine and r.state == 'active') then
  local why, who = end_reason(match)
  return reply({ status = why and 'already_ended' or 'other', reason = why, early = who })
end
local early = r.early
if repeated then
  reason = r.reason
else
  early = now - r.searched < EARLY and by or nil
  redis.call('HSET', route, 'state', 'ended', 'reason', reason, 'early', early or '', 'till', int(now + REMEMBER_END),
    'notified', '0')
  redis.call('HDEL', route, 'lat', 'lng') -- nobody is shown the point any more
  redis.call('PEXPIRE', route, REMEMBER_END * 2)
  m.active = nil
  note_untold('ended', match)
  note_end(match, reason, early)
  if part(matchee, 'matcher', early, reason, coolDown, harvestPerHour) then
    give_back('requestRate', 60000 / perMinute)
    give_back('matchRate', 3600000 / matchesPerHour)
  end
  r.state = 'ended'
end
return reply({ status = 'ended', reason = reason, early = early, tell = to_push(match),
  connection = connection(), request = request(r), changes = index_changes(r, true), unlisted = unlisted_until() })
