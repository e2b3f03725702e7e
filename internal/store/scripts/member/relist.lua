-- relist lists the member anew from its record.
-- Status: ok.
arguments(0)

return reply({ status = 'ok', changes = index_changes(current_route(), true) })
