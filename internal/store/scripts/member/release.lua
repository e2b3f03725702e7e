-- release undoes a claim, or ends it with the match, and lists the member anew. `early` is
-- who ended the match early, if it was.
-- Status: released, already_ended (`reason` says why), other.
local matcher, match, reason, early, perMinute, harvestPerHour, coolDown = arguments(7)

local mine = m.claimMatch == match and m.claimMatcher == matcher
local why = not mine and end_reason(match)
if not mine and not why then
  return reply({ status = 'other' })
end
local confirmed = not mine or m.claimConfirmed == '1'
local id
if mine then
  early = early ~= '' and early or nil
  if confirmed and part(matcher, 'matchee', early, reason, coolDown, harvestPerHour) and m.claimRequest then
    give_back('requestRate', 60000 / perMinute)
  end
  local offered = m.claimOffer
  m.claimMatcher, m.claimMatch, m.claimConfirmed, m.claimRequest, m.claimAt = nil, nil, nil, nil, nil
  m.claimOffer, m.claimAccepted = nil, nil
  if left_at() then
    hide_position()
  end
  if confirmed or offered then
    note_untold('ended', match)
    id = note_end(match, reason, early, matcher)
    if outbox then
      m.eventsOf, m.eventsAt = matcher, now
    end
  end
else
  id = request_of(match) -- the first answer may have been lost, and with it the listing
end
local r = current_route()
return reply({ status = mine and 'released' or 'already_ended', reason = why or reason, confirmed = confirmed,
  tell = to_push(match), connection = connection(), request = { id = id },
  waits = r and r.state == 'waiting', changes = index_changes(r, true), unlisted = unlisted_until() })
