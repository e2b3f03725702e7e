-- withdraw takes a request of that moment, or an older one, out of this cell.
-- Status: ok.
local owner, created = arguments(2)

local q = waiting_request(owner)
if q and q.created <= tonumber(created) then
  forget(owner, q)
end
return reply({ status = 'ok' })
