-- report stores where the member is, if the report is of the current session, within
-- the rate, fresh and newer than the last one. `changes` is what the index then needs.
-- Status: ok, late, stale, rate_limited, replaced, gone, unknown.
local conn, connected, lat, lng, at, seq, motion, available, retag, tags, cell, arrival, perSecond, burst =
    arguments(14)

local m = fetch('advice', unpack(LISTING))
local status = session(m, conn, connected)
if status ~= 'ok' then
  return reply({ status = status })
end
note_heard()
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

if not take_token('reportRate', tonumber(burst), 1000 / perSecond, 1) then
  return reply({ status = 'rate_limited', advice = advise() })
end
at = arrived(at, arrival)
if tonumber(at) <= now - ttl then
  return reply({ status = 'stale', advice = advise() })
end
if m.at then
  local a, b = tonumber(at), tonumber(m.at)
  if a < b or (a == b and tonumber(seq) < tonumber(m.seq)) then
    return reply({ status = 'late', advice = advise() })
  elseif a == b and tonumber(seq) == tonumber(m.seq) then
    -- Perhaps a repeat, and the first try never came to the index.
    local was = m.listed
    local changes = index_changes(m, r, true)
    if not m.listed and not was then
      changes[#changes + 1] = { op = 'unlist', cell = cell, epoch = m.epoch or '0' }
    end
    return reply({ status = 'late', changes = changes, advice = advise() })
  end
end

local anew = not fresh(m) or (retag == '1' and tags ~= m.tags)
m.lat, m.lng, m.at, m.seq, m.reported, m.cell = lat, lng, at, seq, int(now), cell
if available ~= '' then
  m.available = available
end
if retag == '1' then
  m.tags = tags
end
local changes = index_changes(m, r, anew, true)
local advice = advise()
redis.call('HSET', record, 'lat', lat, 'lng', lng, 'at', at, 'seq', seq, 'motion', motion, 'reported', m.reported,
  'cell', cell, 'available', m.available, 'tags', m.tags, 'advice', advice)
if advice == 'watching' then
  redis.call('PEXPIRE', route, KEEP)
end
return reply({ status = 'ok', changes = changes, advice = advice, advice_changed = advice ~= m.advice, at = at,
  claim = claim_of(m), route = route_of(r), no_match = take_no_match() })
