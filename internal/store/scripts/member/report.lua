-- report stores where the member is, if the report is of the current session, within
-- the rate, fresh and newer than the last one. The move script of the same cell runs at
-- the same time: `changes` is what the index needs beyond that (`undo`, where the report
-- is refused), and `listed` says whether the cell should have known the member.
-- Status: ok, late, stale, rate_limited, kept_out, replaced, gone, unknown.
local conn, connected, perSecond, burst, lat, lng, at, seq, motion, available, retag, tags, cell, arrival, reportsPerSecond,
    reportsBurst = arguments(16)

local m = fetch('advice', 'reportRate', unpack(LISTING))
local refusal = enter(m, conn, connected, perSecond, burst)
if refusal then
  return reply(refusal)
end
local r = current_route()

-- advise says what the member's location is wanted for.
local function advise(listed)
  if m.claimConfirmed == '1' then
    return 'watched'
  elseif r and r.state == 'active' then
    return 'watching'
  end
  return listed and 'available' or 'unavailable'
end

-- refuse answers a report that moves nothing. The index may have been moved by it:
-- a new epoch for the old listing puts it back.
local function refuse(refusal)
  note_heard()
  local undo = {}
  if m.listed then
    new_epoch(m)
    undo[1] = entry(m, 'list', m.listed)
  end
  if m.listed ~= cell then
    undo[#undo + 1] = { op = 'unlist', cell = cell, epoch = m.epoch }
  end
  refusal.undo, refusal.advice = undo, advise(m.listed)
  return reply(refusal)
end

refusal = limited(m, 'reportRate', tonumber(reportsBurst), 1000 / reportsPerSecond, 1)
if refusal then
  return refuse(refusal)
end
at = arrived(at, arrival)
if tonumber(at) <= now - ttl then
  return refuse({ status = 'stale' })
end
if m.at then
  local a, b = tonumber(at), tonumber(m.at)
  if a < b or (a == b and tonumber(seq) <= tonumber(m.seq)) then
    return refuse({ status = 'late' })
  end
end

local stale = not fresh(m)
local retagged = retag == '1' and tags ~= m.tags
m.lat, m.lng, m.at, m.seq, m.reported, m.cell = lat, lng, at, seq, int(now), cell
if available ~= '' then
  m.available = available
end
if retag == '1' then
  m.tags = tags
end
local changes = index_changes(m, r, stale or retagged)
local listed = fetch('listed').listed
local advice = advise(listed)
put('lat', lat, 'lng', lng, 'at', at, 'seq', seq, 'motion', motion, 'reported', m.reported, 'heard', nil, 'cell', cell,
  'available', m.available, 'tags', m.tags, 'advice', advice)
if advice == 'watching' then
  redis.call('PEXPIRE', route, KEEP)
end
return reply({ status = 'ok', changes = changes, listed = listed == cell, advice = advice,
  advice_changed = advice ~= m.advice, at = at, epoch = m.epoch, claim = claim_of(m), route = route_of(r),
  no_match = take_no_match() })
