-- forget erases what is stored of a member who has no connection, no request and no match.
-- Status: ok, busy.
arguments(0)

local r = current_route()
if m.claimMatch or (r and r.state ~= 'ended') or (m.conn and not m.gone) then
  return reply({ status = 'busy' })
end
local changes = { m.cell and unlisting(m.cell, m.epoch) } -- if the process that ended its session has died
erase()
return reply({ status = 'ok', changes = changes })
