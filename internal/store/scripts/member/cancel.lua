-- cancel withdraws the request under way.
-- Status: cancelled (also when repeated), active, other; rate_limited, kept_out, replaced, gone, unknown.
local conn, connected, perSecond, burst = arguments(4)

local refusal = enter(conn, connected, perSecond, burst)
if refusal then
  return reply(refusal)
end
note_heard()
local r = current_route()
if (r and r.state == 'active') or m.claimConfirmed == '1' then
  return reply({ status = 'active', untold = untold() })
end
if r and (r.state == 'waiting' or r.state == 'searching') then
  close_request(r, 'cancelled', nil)
  m.cancelled = int(now) .. ' ' .. r.request
  return reply({ status = 'cancelled', request = request(r), untold = untold(), changes = index_changes(nil, true) })
end
local at, id = string.match(m.cancelled or '', '^(%S+) (.*)$')
if at and at + REMEMBER_END > now then
  return reply({ status = 'cancelled', request = { id = id }, untold = untold() })
end
return reply({ status = 'other', untold = untold() })
