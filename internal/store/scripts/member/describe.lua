-- describe returns what a back end may know of a member.
-- Status: ok, absent (there is no record, or it was erased).
arguments(0)

local r = current_route()
if not r and not m.heard and not m.reported then
  return reply({ status = 'absent' })
end
local t = look(r)
t.connected, t.heard, t.fresh = m.connected, math.max(m.heard or 0, m.reported or 0), fresh()
t.cool_downs = #cooling()
return reply(t)
