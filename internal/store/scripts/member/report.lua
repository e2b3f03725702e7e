-- report stores where the member is, if the report is of the current session, within
-- the rate, fresh and newer than the last one. `changes` is what the index then needs.
-- `not_taken` says why the position of an ok report was not believed: the report counts, its
-- position does not, and the last good one stays.
-- Status: ok, late, stale, rate_limited, kept_out, replaced, gone, unknown.
local conn, connected, perSecond, burst, lat, lng, at, seq, motion, available, retag, tags, cell, arrival,
    reportsPerSecond, reportsBurst, maxAccuracy, maxSpeed = arguments(18)
local UNKNOWN_ACCURACY = 500 -- metres: how far a position may be out whose report does not say it

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
  return m.listed and 'available' or unlisted_until() and 'unlisted' or 'unavailable'
end

-- refuse answers a report that moves nothing.
local function refuse(answer)
  note_heard()
  answer.advice, answer.untold, answer.unlisted = advise(), untold(), unlisted_until()
  return reply(answer)
end

-- accuracy_of returns the accuracy of a motion, or nil. A phone that does not know it says 0.
local function accuracy_of(text)
  local n = tonumber(string.match(text, '^%S*'))
  return n ~= 0 and n or nil
end

-- reaches tells whether the member can be here now if it was there then. Times may be whole seconds.
local function reaches(there_lat, there_lng, then_at, accuracy)
  local out = (accuracy or UNKNOWN_ACCURACY) + (accuracy_of(motion) or UNKNOWN_ACCURACY)
  return distance(there_lat, there_lng, lat, lng) <= maxSpeed * (at - then_at + 1000) / 1000 + out
end

-- doubt returns why the position is not believed, or nil. A member who jumps is believed with
-- the second report from there. Once the last position is not fresh, it says nothing.
local function doubt()
  local accuracy = accuracy_of(motion)
  if accuracy and accuracy > tonumber(maxAccuracy) then
    return 'inaccurate'
  end
  if not fresh() or reaches(degrees(m.lat), degrees(m.lng), m.at, accuracy_of(m.motion)) then
    return nil
  end
  local jump_lat, jump_lng, jump_at, jump_accuracy = string.match(m.jumped or '', '^(%S+) (%S+) (%S+) (%S+)$')
  if jump_at and tonumber(at) > tonumber(jump_at) and reaches(jump_lat, jump_lng, jump_at, tonumber(jump_accuracy)) then
    return nil
  end
  m.jumped = string.format('%.5f %.5f %s %s', tonumber(lat), tonumber(lng), at, accuracy or '-')
  return 'jump'
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
local not_taken, since = doubt(), m.at
if not_taken then
  note_heard()
else
  m.lat, m.lng, m.at, m.seq, m.motion = short_degrees(lat), short_degrees(lng), tonumber(at), seq, motion
  m.reported, m.heard, m.cell, m.jumped = now, nil, cell, nil
end
if available ~= '' then
  m.available = available
end
if retag == '1' then
  m.tags = tags
end
local changes = index_changes(r, anew, not not_taken)
local advice, news, mark = advise(), untold(), nil
if advice ~= m.advice then
  m.advice, mark = advice, note_untold('advice', int(now))
end
if advice == 'watching' then
  redis.call('PEXPIRE', route, KEEP)
end
return reply({ status = 'ok', not_taken = not_taken, changes = changes, advice = advice, advice_mark = mark,
  at = at, since = m.claimMatch and since, unlisted = unlisted_until(), claim = claim_of(),
  route = route_of(r), untold = news })
