-- due returns what read returns without a session, and what the member is not yet told. It is no
-- sign of life: a timer asks.
-- Status: ok.
arguments(0)

local t = look(current_route(), false)
t.check, t.untold = true, untold()
return reply(t)
