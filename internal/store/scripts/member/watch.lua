-- watch tells whether the route still carries this match with this matchee, and where
-- its owner is connected. With active, `tell` says that the owner is not yet told of the match,
-- and `pushing` that a process has been telling it for less than NOTIFY_AGAIN.
-- Status: active, offered, searching (undecided), already_ended (`reason` says why), other.
local match, matchee = arguments(2)

local r = current_route()
if r and r.match == match and r.state == 'searching' then
  return reply({ status = 'searching' })
end
if r and r.match == match and r.matchee == matchee and r.state == 'offered' then
  return reply({ status = 'offered' })
end
if r and r.match == match and r.matchee == matchee and r.state == 'active' then
  redis.call('PEXPIRE', route, KEEP)
  return reply({ status = 'active', connection = connection(), tell = is_untold(match),
    pushing = now < (m.again or 0), left = m.leftMatch == match, presence = presence_of(r) })
end
local why, early = end_reason(match)
return reply({ status = why and 'already_ended' or 'other', reason = why, early = early })
