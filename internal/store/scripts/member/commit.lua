-- commit makes the search a match, or the offer that was accepted: this entry is the commit record.
-- `far` is the distance for its event, unless that of the offer is known.
-- Status: yours (also when repeated), refused.
local match, matchee, perHour, far = arguments(4)

local r = current_route()
local repeated = r and r.state == 'active' and r.match == match and r.matchee == matchee
if not repeated then
  local asked = r and r.state == 'offered' and r.matchee == matchee
  if not (r and r.match == match and (asked or r.state == 'searching' and r.confirm == '0')) then
    return reply({ status = 'refused', reason = (end_reason(match)) })
  end
  redis.call('HSET', route, 'state', 'active', 'matchee', matchee, 'searched', int(now)) -- when it began
  redis.call('HDEL', route, 'till', 'distance')
  redis.call('PEXPIRE', route, KEEP)
  m.no_match, m.active = nil, match
  note_untold('matched', match)
  answer_requests('matched', match, r.radius)
  limited('matchRate', tonumber(perHour), 3600000 / perHour, 1)
  r.state, r.matchee, r.searched = 'active', matchee, int(now)
  note_event('match.matched', match, r, nil, r.distance or far)
end
return reply({ status = 'yours', tell = to_push(match), connection = connection(), card = m.card,
  request = request(r), changes = index_changes(r) })
