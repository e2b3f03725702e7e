-- begin opens a request and a search for it: route = searching(match).
-- Status: ok; repeat (`outcome` of the same request id), claimed, active, waiting,
-- searching (what is under way), no_location, too_far, rate_limited, replaced,
-- gone, unknown. Only ok has opened anything.
local conn, connected = ARGV[4], ARGV[5]
local id, match = ARGV[6], ARGV[7]
local lat, lng, radius, tags = ARGV[8], ARGV[9], ARGV[10], ARGV[11]
local patience, wait = tonumber(ARGV[12]), ARGV[13]
local perMinute, perHour, remote = tonumber(ARGV[14]), tonumber(ARGV[15]), ARGV[16]

local m = fetch('claimMatcher', 'claimAt', unpack(LISTING))
local status = session(m, conn, connected)
if status ~= 'ok' then
  return reply({ status = status })
end
alive()
local r = settle()

if r and r.state == 'searching' and r.match == match then
  return reply({ status = 'ok', request = request(r) }) -- this very call, repeated
end
for _, q in ipairs(remembered('requests')) do
  if q.id == id and q.outcome ~= 'open' and q.at + IDEMPOTENT > now then
    due(id) -- this tells it
    return reply({ status = 'repeat', outcome = q })
  end
end
if m.claimMatch then
  if m.claimConfirmed == '1' then
    asked(id, 'matched', m.claimMatch)
  end
  return reply({ status = 'claimed', claim = { matcher = m.claimMatcher, match = m.claimMatch,
    confirmed = m.claimConfirmed, at = m.claimAt } })
end
if r and r.state ~= 'ended' then
  asked(id, r.state == 'active' and 'matched' or 'open', r.match)
  return reply({ status = r.state, match = r.match, matchee = r.matchee, request = request(r) })
end

if lat == '' and not fresh(m) then
  return reply({ status = 'no_location' })
end
if lat == '' then
  lat, lng = m.lat, m.lng
elseif remote ~= '' and fresh(m) and distance(lat, lng, m.lat, m.lng) > tonumber(remote) then
  return reply({ status = 'too_far' })
end
if not bucket('matchRate', perHour, 3600000 / perHour, 0) or not bucket('requestRate', perMinute, 60000 / perMinute, 1)
then
  return reply({ status = 'rate_limited' })
end

local before = r and r.told ~= '1' and r or {} -- ended, but perhaps not for both
redis.call('DEL', route)
redis.call('HDEL', record, 'cancelled')
redis.call('HSET', route, 'state', 'searching', 'match', match, 'till', int(now + LEASE), 'request', id, 'lat', lat,
  'lng', lng, 'radius', radius, 'tags', tags, 'created', int(now), 'deadline', int(now + patience), 'wait', wait,
  'registered', '0')
redis.call('PEXPIRE', route, KEEP)
asked(id, 'open')
return reply({ status = 'ok', request = request(settle()), due = due(), state = before.state, match = before.match,
  matchee = before.matchee, reason = before.reason })
