-- begin opens a request and a search for it: route = searching(match).
-- Status: ok (`unfinished` is an end that perhaps not both sides are free of); repeat
-- (`outcome` of the same request id); claimed, active, waiting, searching (what is under
-- way); no_location, too_far, rate_limited, kept_out, replaced, gone, unknown. Only ok has opened anything.
local conn, connected, perSecond, burst, id, match, lat, lng, radius, tags, patience, wait, perMinute, perHour, remote =
    arguments(15)

local refusal = enter(conn, connected, perSecond, burst)
if refusal then
  return reply(refusal)
end
note_heard()
local r = current_route()

if r and r.state == 'searching' and r.match == match then
  return reply({ status = 'ok', request = request(r) }) -- this very call, repeated
end
for _, q in ipairs(load_list('requests')) do
  if q.id == id and q.outcome ~= 'open' and q.outcome ~= 'retracted' and q.at + REMEMBER_OUTCOME > now then
    take_no_match(id) -- this answer notifies of it
    return reply({ status = 'repeat', outcome = q })
  end
end
if m.claimMatch then
  if m.claimConfirmed == '1' then
    note_request(id, 'matched', m.claimMatch)
  end
  return reply({ status = 'claimed', claim = claim_of() })
end
if r and r.state ~= 'ended' then
  note_request(id, r.state == 'active' and 'matched' or 'open', r.match)
  return reply({ status = r.state, route = route_of(r) })
end

if not fresh() and (lat == '' or remote ~= '') then
  return reply({ status = 'no_location' })
end
if lat == '' then
  lat, lng = degrees(m.lat), degrees(m.lng)
elseif remote ~= '' and distance(lat, lng, degrees(m.lat), degrees(m.lng)) > tonumber(remote) then
  return reply({ status = 'too_far' })
end
perMinute, perHour = tonumber(perMinute), tonumber(perHour)
refusal = limited('matchRate', perHour, 3600000 / perHour, 0) or limited('requestRate', perMinute, 60000 / perMinute, 1)
if refusal then
  return reply(refusal)
end

local earlier = take_no_match()
local unfinished = r and r.notified ~= '1' and route_of(r) or nil
writable()
redis.call('DEL', route)
local deadline = int(now + tonumber(patience))
m.cancelled, m.no_match = nil, deadline .. ' ' .. radius .. ' ' .. id
redis.call('HSET', route, 'state', 'searching', 'match', match, 'till', int(now + LEASE), 'request', id, 'lat', lat,
  'lng', lng, 'radius', radius, 'tags', tags, 'created', int(now), 'deadline', deadline,
  'wait', wait, 'registered', '0', 'searched', int(now))
redis.call('PEXPIRE', route, tonumber(patience) + LEASE)
note_request(id, 'open')
return reply({ status = 'ok', request = request(current_route()), unfinished = unfinished, no_match = earlier })
