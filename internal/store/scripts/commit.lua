-- commit makes the search a match: this entry is the commit record.
-- Status: yours (also when repeated), refused.
local match, matchee, perHour = ARGV[4], ARGV[5], tonumber(ARGV[6])

local r = settle()
local repeated = r and r.state == 'active' and r.match == match and r.matchee == matchee
if not repeated then
  if not (r and r.state == 'searching' and r.match == match) then
    return reply({ status = 'refused' })
  end
  redis.call('HSET', route, 'state', 'active', 'matchee', matchee, 'told', '0')
  redis.call('HDEL', route, 'till')
  redis.call('PEXPIRE', route, KEEP)
  answered('matched', match, r.radius)
  bucket('matchRate', perHour, 3600000 / perHour, 1)
  r.state, r.matchee = 'active', matchee
end
local m = fetch('card', unpack(LISTING))
return reply({ status = 'yours', connection = m.gone == nil and m.conn or '', card = m.card, request = request(r),
  changes = listing(m, r) })
