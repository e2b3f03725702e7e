-- read returns a member's record and route. With a connection it is that session's
-- sign of life, and refused unless the session is current; with `relist` it lists the
-- member anew, which a process that vanished may have left undone.
-- Status: ok, rate_limited, kept_out, replaced, gone, unknown.
local conn, connected, perSecond, burst, anew = arguments(5)

local m = fetch('card', 'motion', unpack(LISTING))
local expired
if conn ~= '' then
  local refusal = enter(m, conn, connected, perSecond, burst)
  if refusal then
    return reply(refusal)
  end
  note_heard()
end
local r = current_route()
if conn ~= '' then
  expired = take_no_match()
  if r and r.state == 'active' then
    redis.call('PEXPIRE', route, KEEP)
  end
end
return reply({ status = 'ok', no_match = expired, changes = anew == '1' and index_changes(m, r, true) or nil,
  connection = connection(m), claim = claim_of(m), position = position_of(m), card = m.card, available = m.available,
  route = route_of(r), searched = r and tonumber(r.searched or '0') + SEARCH_AGAIN > now or nil, ends = load_list('ends') })
