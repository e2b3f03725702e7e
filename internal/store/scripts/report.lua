-- report stores where the member is, if the report is of the current session, in
-- the rate, not too old and newer than the last one. The index script of the same
-- cell runs at the same time: `changes` is what it has to be told beyond that, and
-- `listed` says whether it should have found the member there.
-- Status: ok, late, stale, rate_limited, replaced, gone, unknown.
local conn, connected = ARGV[4], ARGV[5]
local lat, lng, at, seq = ARGV[6], ARGV[7], ARGV[8], ARGV[9]
local accuracy, heading, speed = ARGV[10], ARGV[11], ARGV[12]
local available, retag, tags = ARGV[13], ARGV[14], ARGV[15]
local cell, arrival = ARGV[16], tonumber(ARGV[17])
local perSecond, burst = tonumber(ARGV[18]), tonumber(ARGV[19])

local m = fetch('claimMatcher', 'claimAt', 'advice', unpack(LISTING))
local status = session(m, conn, connected)
if status ~= 'ok' then
  return reply({ status = status })
end
alive()
local r = settle()

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
local function refuse(why)
  local back = {}
  if m.listed then
    advance(m)
    back[1] = entry(m, 'list', m.listed)
  end
  if m.listed ~= cell then
    back[#back + 1] = { op = 'unlist', cell = cell, epoch = m.epoch }
  end
  return reply({ status = why, back = back, advice = advise(m.listed) })
end

if not bucket('reportRate', burst, 1000 / perSecond, 1) then
  return refuse('rate_limited')
end
if math.abs(arrival - now) > 30000 then
  arrival = now
end
if at == '' or tonumber(at) > now + 30000 then
  at = int(arrival)
end
if tonumber(at) <= now - ttl then
  return refuse('stale')
end
if m.at then
  local a, b = tonumber(at), tonumber(m.at)
  if a < b or (a == b and tonumber(seq) <= tonumber(m.seq)) then
    return refuse('late')
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
local changes = listing(m, r, stale or retagged)
local listed = redis.call('HGET', record, 'listed')
local advice = advise(listed)
redis.call('HSET', record, 'lat', lat, 'lng', lng, 'at', at, 'seq', seq, 'reported', m.reported, 'cell', cell,
  'available', m.available, 'tags', m.tags, 'accuracy', accuracy, 'heading', heading, 'speed', speed, 'advice', advice)
if advice == 'watching' then
  redis.call('PEXPIRE', route, KEEP)
end
return reply({ status = 'ok', changes = changes, listed = listed == cell, advice = advice, advised = advice ~= m.advice,
  at = at, epoch = m.epoch, claim = m.claimMatch and { matcher = m.claimMatcher, match = m.claimMatch,
    confirmed = m.claimConfirmed, at = m.claimAt } or nil,
  state = r and r.state, match = r and r.match, matchee = r and r.matchee, registered = r and r.registered,
  told = r and r.told, reason = r and r.reason, due = due() })
