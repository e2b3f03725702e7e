-- release undoes a claim, or ends it with the match, and lists the member anew.
-- Status: released, already_ended (`reason` says why), other.
local matcher, match, reason = arguments(3)

local mine = m.claimMatch == match and m.claimMatcher == matcher
local why = not mine and end_reason(match)
if not mine and not why then
  return reply({ status = 'other' })
end
local confirmed = not mine or m.claimConfirmed == '1'
local id
if mine then
  m.claimMatcher, m.claimMatch, m.claimConfirmed, m.claimAt = nil, nil, nil, nil
  if m.gone then
    hide_position()
  end
  if confirmed then
    note_untold('ended', match)
    id = note_end(match, reason, matcher)
  end
else
  id = request_of(match) -- the first answer may have been lost, and with it the listing
end
local r = current_route()
return reply({ status = mine and 'released' or 'already_ended', reason = why or reason, confirmed = confirmed,
  tell = to_push('ended', match), connection = connection(), request = id and { id = id } or nil,
  waits = r and r.state == 'waiting', changes = index_changes(r, true) })
