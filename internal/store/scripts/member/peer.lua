-- peer notes that the other member of the match is away or back since that moment, unless the record
-- has something newer. The member is to be told. Each moment has one state, and is later than the
-- one before.
-- Status: ok (also when repeated), other (it is not in that match, or that is no news).
local match, state, since = arguments(3)

local known = known_of_peer()
if not known or known.match ~= match then
  known = { state = 'back', since = 0 }
end
since = tonumber(since)
if in_match(current_route()) ~= match or since < known.since or
  (since > known.since and state == 'back' and known.state == 'back') then
  return reply({ status = 'other' })
end
if since > known.since then
  m.peer = match .. ' ' .. state .. ' ' .. int(since)
  note_untold('peer', int(since))
end
-- Whoever is not yet told of the match is told that first.
return reply({ status = 'ok', tell = to_push(int(since)) and not is_untold(match), connection = connection() })
