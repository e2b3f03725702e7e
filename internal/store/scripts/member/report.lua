-- report stores where the member is, if the report is of the current session, within
-- the rate, fresh and newer than the last one. `changes` is what the index then needs.
-- Status: ok, late, stale, rate_limited, kept_out, replaced, gone, unknown.
local conn, connected, perSecond, burst, lat, lng, at, seq, motion, available, retag, tags, cell, arrival,
    reportsPerSecond, reportsBurst = arguments(16)

local refusal = enter(conn, connected, perSecond, burst)
if refusal then
  return reply(refusal)
end
local r = current_route()

-- advise says what the member's location is wanted for.
local function advise()
  if m.claimConfirmed == '1' then
    return 'watched'
  elseif r and r.state == 'active' then
    return 'watching'
  end
  return m.listed and 'available' or 'unavailable'
end

-- refuse answers a report that moves nothing.
local function refuse(answer)
  note_heard()
  answer.advice, answer.untold = advise(), untold()
  return reply(answer)
end

refusal = limited('reportRate', tonumber(reportsBurst), 1000 / reportsPerSecond, 1)
if refusal then
  return refuse(refusal)
end
at, cell = arrived(at, arrival), short_cell(cell)
if tonumber(at) <= now - ttl then
  return refuse({ status = 'stale' })
end
if m.at then
  local a, b = tonumber(at), m.at
  if a < b or (a == b and tonumber(seq) < tonumber(m.seq)) then
    return refuse({ status = 'late' })
  elseif a == b and tonumber(seq) == tonumber(m.seq) then
    -- Perhaps a repeat, and the first try never came to the index.
    local was = m.listed
    local changes = index_changes(r, true)
    if not m.listed and not was then
      changes[#changes + 1] = unlisting(cell, m.epoch or 0)
    end
    return refuse({ status = 'late', changes = changes })
  end
end

local anew = not fresh() or (retag == '1' and tags ~= m.tags)
m.lat, m.lng, m.at, m.seq, m.motion = short_degrees(lat), short_degrees(lng), tonumber(at), seq, motion
m.reported, m.heard, m.cell = now, nil, cell
if available ~= '' then
  m.available = available
end
if retag == '1' then
  m.tags = tags
end
local changes = index_changes(r, anew, true)
local advice, news, mark = advise(), untold(), nil
if advice ~= m.advice then
  m.advice, mark = advice, note_untold('advice', int(now))
end
if advice == 'watching' then
  redis.call('PEXPIRE', route, KEEP)
end
return reply({ status = 'ok', changes = changes, advice = advice, advice_mark = mark, at = at,
  claim = claim_of(), route = route_of(r), untold = news })
