-- relist lists the member again from its record, under a new epoch.
-- Status: ok.
local m = fetch(unpack(LISTING))
return reply({ status = 'ok', changes = listing(m, settle(), true) })
