-- accept notes that the member accepts what it is offered. The commit on the matcher's slot decides
-- whether that came in time.
-- Status: yours (also when repeated), active (it is committed by now), other, rate_limited, kept_out,
-- replaced, gone, expired, unknown.
local conn, connected, perSecond, burst, match = arguments(5)

local refusal, r, news = hear(conn, connected, perSecond, burst)
if refusal then
  return reply(refusal)
end
local status = 'yours'
if m.claimMatch ~= match or not m.claimOffer then
  status = 'other'
elseif m.claimConfirmed == '1' then
  status = 'active'
else
  m.claimAccepted = '1'
end
local t = look(r, true)
t.status, t.untold = status, news
return reply(t)
