-- nearby admits a member's question how many members are near, and says in which cell it is.
-- Status: ok, no_location, rate_limited, kept_out, replaced, gone, expired, unknown.
local conn, connected, perSecond, burst, perMinute = arguments(5)

local refusal, r, news = hear(conn, connected, perSecond, burst)
if refusal then
  return reply(refusal)
end
refusal = fresh() and limited('nearbyRate', tonumber(perMinute), 60000 / perMinute, 1)
if refusal then
  refusal.untold = news
  return reply(refusal)
end
local t = look(r, true)
t.status, t.cell, t.untold = fresh() and 'ok' or 'no_location', m.cell, news
return reply(t)
