-- finish ends a match on the matcher's slot: from here on it is over.
-- Status: ended (also when repeated before both are free), already_ended (`reason`
-- says why), other. `early` is who ended it early: `by`, if it was.
local match, matchee, reason, by, perMinute, matchesPerHour, harvestPerHour, coolDown = arguments(8)

local r = current_route()
if not (goes_on(r, match) and r.matchee == matchee) then
  local why, who = end_reason(match)
  return reply({ status = why and 'already_ended' or 'other', reason = why, early = who })
end
return reply(finish(r, reason, by, perMinute, matchesPerHour, harvestPerHour, coolDown))
