-- due returns what read returns without a session, and what the member is not yet told. It is no
-- sign of life: a timer asks. `look` is when the member of a match is to be looked at again: only the
-- timer that comes at that moment goes on, so a member has one, however many were set.
-- Status: ok.
arguments(0)

local r = current_route()
local t = look(r, false)
t.check, t.untold = true, untold()
local _, at = absence(r)
if at and at > now and now >= (m.looked or 0) then
  m.looked, t.look = at, at
end
return reply(t)
