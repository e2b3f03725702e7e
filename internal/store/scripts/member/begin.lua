-- begin opens a request and a search for it: route = searching(match). Without a connection a back
-- end does it for the member, who must be connected: no budget is taken, and nothing is told.
-- Status: ok (`unfinished` is an end that perhaps not both sides are free of); repeat
-- (`outcome` of the same request id); claimed, active, waiting, searching, offered (what is under way);
-- no_location, too_far, absent (a back end's: the member is not connected), rate_limited, kept_out,
-- replaced, gone, expired, unknown. Only ok has opened anything.
local function write_search(r, match)
  redis.call('HSET', route, 'state', 'searching', 'match', match, 'till', now + LEASE, 'request', r.request,
    'lat', r.lat, 'lng', r.lng, 'radius', r.radius, 'tags', r.tags, 'created', r.created, 'deadline', r.deadline,
    'wait', r.wait, 'registered', '0', 'share', r.share, 'confirm', r.confirm, 'searched', r.created)
end

-- whom returns with whom the member was in these matches and offers, a list in JSON.
local function whom(matches)
  local list, met, all = cjson.decode(matches), {}, {}
  for _, e in ipairs(#list > 0 and load_list('met') or {}) do
    met[e.match] = e.at + REMEMBER_OUTCOME > now and e.peer or nil
  end
  for _, match in ipairs(list) do
    all[#all + 1] = met[match]
  end
  return all
end

local conn, connected, perSecond, burst, id, match, lat, lng, radius, widening, tags, patience, wait, confirm,
    perMinute, perHour, remote, share, avoid = arguments(19)

local by_member, refusal, untold = conn ~= '', nil, untold
if by_member then
  refusal = enter(conn, connected, perSecond, burst)
elseif not m.conn or left_at() then
  refusal = { status = 'absent' }
end
if refusal then
  return reply(refusal)
end
local r = current_route()
if by_member then
  note_heard()
else
  untold, remote = function() end, ''
end

if r and r.state == 'searching' and r.match == match then
  return reply({ status = 'ok', request = request(r) }) -- this very call, repeated
end
for _, q in ipairs(load_list('requests')) do
  if q.id == id and q.outcome ~= 'open' and q.outcome ~= 'retracted' and q.at + REMEMBER_OUTCOME > now then
    return reply({ status = 'repeat', outcome = q, untold = untold() })
  end
end
if m.claimMatch then
  if m.claimConfirmed == '1' then
    note_request(id, 'matched', m.claimMatch)
  end
  return reply({ status = 'claimed', claim = claim_of(), untold = untold() })
end
if r and r.state ~= 'ended' then
  if r.state == 'active' or r.wait == '1' then
    note_request(id, r.state == 'active' and 'matched' or 'open', r.match)
  end -- else a request that does not wait is decided first: its no_match does not answer this one
  return reply({ status = r.state, route = route_of(r, to_search(r)), untold = untold() }) -- perhaps it is this call
end

if not fresh() and (lat == '' or remote ~= '') then
  return reply({ status = 'no_location', untold = untold() })
end
if lat == '' then
  lat, lng = in_full(m.lat), in_full(m.lng)
elseif remote ~= '' and distance(lat, lng, degrees(m.lat), degrees(m.lng)) > tonumber(remote) then
  return reply({ status = 'too_far', untold = untold() })
end
perMinute, perHour = tonumber(perMinute), tonumber(perHour)
refusal = by_member and (limited('harvestRate', 1, 1, 0) or limited('matchRate', perHour, 3600000 / perHour, 0) or
  limited('requestRate', perMinute, 60000 / perMinute, 1))
if refusal then
  return reply(refusal)
end

local news = untold()
if expired then
  note_untold('no_match', expired.deadline, expired.radius, expired.id) -- the record has one no_match
end
local unfinished = r and r.notified ~= '1' and route_of(r) or nil
writable()
redis.call('DEL', route)
local deadline = int(now + tonumber(patience))
r = { request = id, lat = lat, lng = lng, radius = radius, tags = tags, created = int(now), deadline = deadline,
  wait = wait, registered = '0', share = share, confirm = confirm }
if widening ~= '' then
  r.widening = widening
  redis.call('HSET', route, 'widening', widening)
end
local avoided = whom(avoid)
if #avoided > 0 then
  r.declined = cjson.encode(avoided) -- they are never asked, as who has declined is not
  redis.call('HSET', route, 'declined', r.declined, 'avoided', #avoided)
end
m.cancelled, m.no_match = nil, deadline .. ' ' .. circle(r, deadline) .. ' ' .. id
write_search(r, match)
redis.call('PEXPIRE', route, tonumber(patience) + LEASE)
note_request(id, 'open')
return reply({ status = 'ok', request = to_search(r), unfinished = unfinished, untold = news })
