-- finish ends a match on the matcher's slot: this is the end.
-- Status: ended (also when repeated before both are free), past (`reason` says
-- why), other.
local match, matchee, reason = ARGV[4], ARGV[5], ARGV[6]

local r = settle()
local mine = r and r.match == match and r.matchee == matchee
local repeated = mine and r.state == 'ended' and r.told ~= '1'
if not repeated and not (mine and r.state == 'active') then
  local why = past(match)
  return reply({ status = why and 'past' or 'other', reason = why })
end
if repeated then
  reason = r.reason
else
  redis.call('HSET', route, 'state', 'ended', 'reason', reason, 'till', int(now + REMEMBER), 'told', '0')
  redis.call('PEXPIRE', route, REMEMBER * 2)
  parted(match, reason)
  r.state = 'ended'
end
local m = fetch(unpack(LISTING))
return reply({ status = 'ended', reason = reason, connection = m.gone == nil and m.conn or '', request = request(r),
  changes = listing(m, r, true) })
