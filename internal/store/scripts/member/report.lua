-- report stores where the member is, if the report is of the current session, within
-- the rate, fresh and newer than the last one. `changes` is what the index then needs.
-- `not_taken` says why the position was not taken. That of an ok report was not believed: the
-- report counts, its position does not, and the last good one stays. What a report says of
-- `available` and `tags` is ordered by its arrival instead. `stands` is what
-- stands where a later message said otherwise.
-- Status: ok, late (with what it chose), chosen (stale or beyond the rate, but what it chose was
-- taken), stale, rate_limited, kept_out, replaced, gone, expired, unknown.
local conn, connected, perSecond, burst, lat, lng, at, seq, motion, available, retag, tags, cell, arrival,
    reportsPerSecond, reportsBurst, maxAccuracy, maxSpeed = arguments(18)
local UNKNOWN_ACCURACY = 500 -- metres: how far a position may be out whose report does not say it
local DEGREE = 111195         -- metres, on the equator

local refusal = enter(conn, connected, perSecond, burst)
if refusal then
  return reply(refusal)
end
local r = current_route()

-- refuse answers a report that moves nothing. What it has chosen may change the advice.
local function refuse(answer, has_chosen)
  note_heard()
  answer.advice, answer.lag, answer.unlisted, answer.untold = advise(r), lag(), unlisted_until(), untold()
  if has_chosen and answer.advice ~= m.advice then
    m.advice, answer.advice_mark = answer.advice, note_untold('advice', int(now))
  end
  return reply(answer)
end

-- doubt returns why the position is not believed, or nil. A member who jumps is believed with
-- the second report from there. Once the last position is not fresh, it says nothing.
local function doubt()
  local accuracy = accuracy_of(motion)
  if accuracy and accuracy > tonumber(maxAccuracy) then
    return 'inaccurate'
  end
  if not fresh() then
    return nil
  end
  local here_lat, here_lng, out = degrees(lat), degrees(lng), accuracy or UNKNOWN_ACCURACY
  -- reaches tells whether the member can be here now if it was there then. Times may be whole seconds.
  local function reaches(there_lat, there_lng, then_at, its_accuracy)
    local most = maxSpeed * (at - then_at + 1000) / 1000 + out + (its_accuracy or UNKNOWN_ACCURACY)
    -- The way along a meridian and a parallel is no shorter, and nearly always short enough.
    return (math.abs(here_lat - there_lat) + math.abs(here_lng - there_lng)) * DEGREE <= most or
      distance(there_lat, there_lng, here_lat, here_lng) <= most
  end
  if reaches(degrees(m.lat), degrees(m.lng), m.at, accuracy_of(m.motion)) then
    return nil
  end
  local jump_lat, jump_lng, jump_at, jump_accuracy = string.match(m.jumped or '', '^(%S+) (%S+) (%S+) (%S+)$')
  if jump_at and tonumber(at) > tonumber(jump_at) and reaches(jump_lat, jump_lng, jump_at, tonumber(jump_accuracy)) then
    return nil
  end
  m.jumped = string.format('%.5f %.5f %s %s', here_lat, here_lng, at, accuracy or '-')
  return 'jump'
end

refusal = limited('reportRate', tonumber(reportsBurst), 1000 / reportsPerSecond, 1)
local chooses = available ~= '' or retag == '1'
if refusal and not (refusal.status == 'rate_limited' and available == '0' and m.available == '1') then
  return refuse(refusal) -- nobody is kept from going on a break
end
local said_at = at
at, arrival = arrived(at, arrival)
arrival = tonumber(arrival)
local not_taken = refusal and 'rate_limited' or tonumber(at) <= now - ttl and 'stale'
if not_taken and not chooses then
  return refuse({ status = not_taken })
end

-- newer is above 0 if the position is newer than the last one, and 0 if it is the same.
local newer = 1
if m.at then
  newer = tonumber(at) - m.at
  newer = newer ~= 0 and newer or seq - m.seq
end

-- Where neither choice is newer, what shows less of the member stands.
local stands, was_available, was_tags = {}, m.available, m.tags
if available ~= '' then
  local n = order(m.availableAt, arrival, newer)
  if n > 0 or (n == 0 and available == '0') then
    m.available, m.availableAt = available, arrival
  elseif m.available ~= available then
    stands.available = m.available
  end
end
if retag == '1' then
  local n = order(m.tagsAt, arrival, newer)
  local standing = n > 0 and tags or n == 0 and narrowed(m.tags, tags) or m.tags
  if n > 0 then
    m.tagsAt = arrival
  end
  if standing ~= tags then
    stands.tags = standing
  end
  m.tags = standing
end
local retagged = m.tags ~= was_tags
if m.availableAt and (retagged or m.available ~= was_available) then
  keep_choice() -- at once, in case $disconnect never comes
end
local clock_off = said_at ~= '' and math.abs(tonumber(said_at) - arrival) > CLOCK_OFF and now >= (m.clockAgain or 0)
if clock_off then
  m.clockAgain = now + NOTIFY_AGAIN
end

local late, repeated = not not_taken and newer <= 0, newer == 0
if not_taken or late then
  local answer = { status = late and 'late' or 'chosen', not_taken = not_taken or 'late', stands = stands,
    clock_off = clock_off }
  if chooses or repeated then
    local was = m.listed
    answer.changes = index_changes(r, repeated or retagged)
    if repeated and not m.listed and not was then
      -- Perhaps a repeat, and the first try never came to the index.
      answer.changes[#answer.changes + 1] = unlisting(cell, m.epoch)
    end
  end
  return refuse(answer, chooses)
end

local anew, lag_before, since = not fresh() or retagged, lag(), m.at
not_taken = doubt()
if not_taken then
  note_heard()
else
  m.lat, m.lng, m.at, m.seq, m.motion = lat, lng, tonumber(at), seq, motion
  m.reported, m.heard, m.cell, m.jumped = now, nil, cell, nil
end
local changes = index_changes(r, anew, not not_taken)
local advice, behind, news, mark = advise(r), lag(), untold(), nil
if advice ~= m.advice or (advice ~= 'unavailable' and behind ~= lag_before) then
  m.advice, mark = advice, note_untold('advice', int(now))
end
if r and r.state == 'active' then
  redis.call('PEXPIRE', route, KEEP)
end
local skipped
if m.skipped then
  skipped = m.skipped == (m.claimMatch or m.active) and redis.call('LRANGE', trail, 0, -1) or {}
  if #skipped == 0 then
    m.skipped = nil -- that match is over, or they have expired
  end
end
return reply({ status = 'ok', not_taken = not_taken, changes = changes, advice = advice, advice_mark = mark,
  lag = behind, stands = stands, clock_off = clock_off, at = at, since = (m.claimMatch or shares(r)) and since or nil,
  unlisted = unlisted_until(), claim = claim_of(), route = route_of(r), untold = news, peer = known_of_peer(),
  skipped = skipped })
