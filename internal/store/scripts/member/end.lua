-- end ends a match for one of its members. It is a message of a session, or without a connection
-- one of a back end. If the member is the matcher, end does what finish does, and says who the
-- matchee is. Else the reply is that of read.
-- Status: ended, ok, rate_limited, kept_out, replaced, gone, expired, unknown.
local conn, connected, perSecond, burst, match, reason, perMinute, matchesPerHour, harvestPerHour, coolDown =
    arguments(10)

local refusal, r, news = hear(conn, connected, perSecond, burst)
if refusal then
  return reply(refusal)
end
local t
if goes_on(r, match) then
  t = finish(r, reason, conn ~= '' and 'matcher' or 'nobody', perMinute, matchesPerHour, harvestPerHour, coolDown)
else
  t = look(r, conn ~= '')
end
t.untold = news
return reply(t)
