-- read returns a member's record and route. With a connection it is that session's
-- sign of life, and refused unless the session is current; with `relist` it lists the
-- member anew, which a process that vanished may have left undone. `check` says from time to time
-- that the other half of the session's match is to be looked at: the cache may have lost it.
-- Status: ok, rate_limited, kept_out, replaced, gone, expired, unknown.
local conn, connected, perSecond, burst, anew = arguments(5)

local news, check
if conn ~= '' then
  local refusal = enter(conn, connected, perSecond, burst)
  if refusal then
    return reply(refusal)
  end
  note_heard()
end
local r = current_route()
if conn ~= '' then
  news = untold()
  check = check_match()
  if r and r.state == 'active' then
    redis.call('PEXPIRE', route, KEEP)
  end
end
return reply({ status = 'ok', untold = news, check = check, changes = anew == '1' and index_changes(r, true) or nil,
  connection = connection(), claim = claim_of(), position = position_of(), card = m.card,
  available = m.available, tags = m.tags, tell = overdue(m.claimMatch or m.active),
  route = route_of(r), searched = r and r.searched + SEARCH_AGAIN > now or nil,
  ends = load_list('ends'), unlisted = unlisted_until() })
