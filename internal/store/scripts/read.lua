-- read returns a member's record and routing-table entry. With a connection it
-- is that session's sign of life, and refused unless the session is current; with
-- `again` it lists the member again, which a process that vanished may have left.
-- Status: ok, replaced, gone, unknown.
local conn, connected, again = ARGV[4], ARGV[5], ARGV[6]

local flat = redis.call('HGETALL', record)
local m = {}
for i = 1, #flat, 2 do
  m[flat[i]] = flat[i + 1]
end
local told
if conn ~= '' then
  local status = session(m, conn, connected)
  if status ~= 'ok' then
    return reply({ status = status })
  end
  alive()
end
local r = settle()
if conn ~= '' then
  told = due()
  if r and r.state == 'active' then
    redis.call('PEXPIRE', route, KEEP)
  end
end
local pasts = remembered('past')
local changes = again == '1' and listing(m, r, true) or nil
return reply({ status = 'ok', due = told, changes = changes, connection = m.gone == nil and m.conn or '',
  claim = m.claimMatch and { matcher = m.claimMatcher, match = m.claimMatch, confirmed = m.claimConfirmed,
    at = m.claimAt } or nil,
  position = m.at and { lat = m.lat, lng = m.lng, at = m.at, seq = m.seq, accuracy = m.accuracy, heading = m.heading,
    speed = m.speed } or nil,
  card = m.card, available = m.available,
  route = r and { state = r.state, match = r.match, matchee = r.matchee, reason = r.reason, told = r.told,
    request = request(r) } or nil,
  pasts = #pasts > 0 and pasts or nil })
