-- read returns a member's record and route. With a connection it is that session's
-- sign of life, and refused unless the session is current; with `relist` it lists the
-- member anew, which a process that vanished may have left undone.
-- Status: ok, rate_limited, kept_out, replaced, gone, expired, unknown.
local conn, connected, perSecond, burst, anew = arguments(5)

local refusal, r, news = hear(conn, connected, perSecond, burst)
if refusal then
  return reply(refusal)
end
local t = look(r, conn ~= '')
t.untold, t.changes = news, anew == '1' and index_changes(r, true) or nil
return reply(t)
