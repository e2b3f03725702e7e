-- cancel withdraws the request under way, or only that with the id `named`. A repeat of a message
-- that has an id is answered like the first, and does nothing.
-- With active, `claim` and `route` are there if the other half of the match is to be looked at.
-- Status: cancelled (also when repeated), active, other; rate_limited, kept_out, replaced, gone, expired, unknown.
local conn, connected, perSecond, burst, id, named = arguments(6)

local refusal = enter(conn, connected, perSecond, burst)
if refusal then
  return reply(refusal)
end
local r = current_route()
note_heard()
local cancels = load_list('cancels')
for _, c in ipairs(cancels) do
  if c.id == id and c.at + REMEMBER_OUTCOME > now then
    return reply({ status = c.status, request = { id = c.request }, untold = untold() })
  end
end

-- answer remembers what this message was answered, and about which request.
local function answer(status, request_id, more)
  if id ~= '' then
    cancels[#cancels + 1] = { id = id, at = now, status = status, request = request_id }
    save_list('cancels', cancels)
  end
  more.status, more.request, more.untold = status, more.request or { id = request_id }, untold()
  return reply(more)
end

local outcome -- of the request that is meant
if m.claimConfirmed == '1' or (r and r.state == 'active') then
  outcome = 'matched'
elseif r and r.state ~= 'ended' then
  outcome = 'open'
end
if named ~= '' and not (r and r.state ~= 'ended' and r.request == named) then
  outcome = nil
  for _, q in ipairs(load_list('requests')) do
    outcome = q.id == named and q.outcome or outcome
  end
end
if outcome == 'matched' then
  local due = check_match()
  return answer('active', nil, { claim = due and claim_of() or nil, route = due and route_of(r) or nil })
end
if outcome == 'open' then
  close_request(r, 'cancelled', nil)
  if r.state == 'offered' then
    note_end(r.match, 'cancelled', nil, nil, r.matchee) -- for the one who is asked
  end
  m.cancelled = int(now) .. ' ' .. r.request
  return answer('cancelled', r.request, { request = request(r),
    offered = r.state == 'offered' and route_of(r) or nil, changes = index_changes(nil, true) })
end
if outcome == 'cancelled' then
  return answer('cancelled', named, {})
end
local at, last = string.match(m.cancelled or '', '^(%S+) (.*)$')
if named == '' and at and at + REMEMBER_END > now then
  return answer('cancelled', last, {})
end
return answer('other', nil, {})
