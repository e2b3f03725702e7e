-- relist lists the member anew from its record.
-- Status: ok.
arguments(0)

local m = fetch(unpack(LISTING))
return reply({ status = 'ok', changes = index_changes(m, current_route(), true) })
