-- report stores where the member is, if the report is of the current session, within
-- the rate, fresh and newer than the last one. `changes` is what the index then needs. What it
-- says of `available` and `tags` is ordered by its arrival instead, and then by seq. `stands` is
-- what stands where a later message said otherwise.
-- Status: ok, late (with what it chose), chosen (stale or beyond the rate, as `why` says, but what
-- it chose was taken), stale, rate_limited, kept_out, replaced, gone, unknown.
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

-- lag is how old the last report was on arrival, in steps; 0 where the usual advice keeps its
-- member fresh all the same.
local function lag()
  local age = m.reported and m.reported - m.at or 0
  if ttl - age >= 1.5 * math.min(ADVISED, ttl / 2, grace / 2) then
    return 0
  end
  return math.ceil(age * 12 / ttl) * ttl / 12
end

-- refuse answers a report that moves nothing.
local function refuse(answer)
  note_heard()
  answer.advice, answer.lag = advise(), lag()
  return reply(answer)
end

refusal = limited('reportRate', tonumber(reportsBurst), 1000 / reportsPerSecond, 1)
local chooses = available ~= '' or retag == '1'
if refusal and not (refusal.status == 'rate_limited' and available == '0' and m.available == '1') then
  return refuse(refusal) -- nobody is kept from going on a break
end
local said_at = at
at, arrival = arrived(at, arrival)
arrival, seq, cell = tonumber(arrival), tonumber(seq), short_cell(cell)
local why = refusal and 'rate_limited' or tonumber(at) <= now - ttl and 'stale' or nil
if why and not chooses then
  return refuse({ status = why })
end

-- later tells whether this message's choice comes after the one that stands. nil is neither.
local function later(last, last_seq)
  if last ~= arrival then
    return not last or last < arrival
  elseif tonumber(last_seq) ~= seq then
    return tonumber(last_seq) < seq
  end
end

-- Of two choices of one moment, the one that shows less of the member stands.
local stands, was_available, was_tags = {}, m.available, m.tags
if available ~= '' then
  local after = later(m.availableAt, m.availableSeq)
  if after or (after == nil and available == '0') then
    m.available, m.availableAt, m.availableSeq = available, arrival, int(seq)
  elseif m.available ~= available then
    stands.available = m.available
  end
end
if retag == '1' then
  local after = later(m.tagsAt, m.tagsSeq)
  local standing = after and tags or after == nil and narrowed(m.tags, tags) or m.tags
  if after then
    m.tagsAt, m.tagsSeq = arrival, int(seq)
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
local clock_off
if said_at ~= '' and math.abs(tonumber(said_at) - arrival) > CLOCK_OFF and m.clockTold ~= '1' then
  m.clockTold, clock_off = '1', true
end

local a, b = tonumber(at), m.at
local repeated = a == b and tonumber(m.seq) == seq
if not why and b and (a < b or (a == b and seq <= tonumber(m.seq))) then
  why = 'late'
end
if why then
  local answer = { status = why == 'late' and why or 'chosen', why = why, stands = stands, clock_off = clock_off }
  if chooses or repeated then
    local was = m.listed
    answer.changes = index_changes(r, repeated or retagged)
    if repeated and not m.listed and not was then
      -- Perhaps a repeat, and the first try never came to the index.
      answer.changes[#answer.changes + 1] = unlisting(cell, m.epoch or 0)
    end
  end
  if chooses then
    local advice = advise()
    answer.advice_changed, m.advice = advice ~= m.advice, advice
  end
  return refuse(answer)
end

local anew, lag_before = not fresh() or retagged, lag()
m.lat, m.lng, m.at, m.seq, m.motion = short_degrees(lat), short_degrees(lng), tonumber(at), int(seq), motion
m.reported, m.heard, m.cell = now, nil, cell
local changes = index_changes(r, anew, true)
local advice, behind = advise(), lag()
local changed = advice ~= m.advice or (advice ~= 'unavailable' and behind ~= lag_before)
m.advice = advice
if advice == 'watching' then
  redis.call('PEXPIRE', route, KEEP)
end
return reply({ status = 'ok', changes = changes, advice = advice, advice_changed = changed, lag = behind, at = at,
  stands = stands, clock_off = clock_off, claim = claim_of(), route = route_of(r), no_match = take_no_match() })
