-- confirm makes the claim final; the member's own request is answered by it.
-- Status: yours (also when repeated), refused.
local matcher, match = ARGV[4], ARGV[5]

local m = fetch('claimMatcher', 'card', 'accuracy', 'heading', 'speed', unpack(LISTING))
if m.claimMatch ~= match or m.claimMatcher ~= matcher then
  return reply({ status = 'refused' })
end
local own
if m.claimConfirmed == '1' then
  local id = asking(match)
  own = id and { id = id } or nil
else
  redis.call('HSET', record, 'claimConfirmed', '1')
  m.claimConfirmed = '1'
  local r = settle()
  if r and r.state == 'waiting' then
    own = request(r)
    close(r, 'matched', match)
  end
end
return reply({ status = 'yours', connection = m.gone == nil and m.conn or '', card = m.card, request = own,
  position = { lat = m.lat, lng = m.lng, at = m.at, seq = m.seq }, changes = listing(m, nil) })
