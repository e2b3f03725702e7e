-- finish ends a match on the matcher's slot: this is the end.
-- Status: ended, past (`reason` says why), other.
local match, matchee, reason = ARGV[4], ARGV[5], ARGV[6]

local r = settle()
if not (r and r.state == 'active' and r.match == match and r.matchee == matchee) then
  local why = past(match)
  -- The first answer may have been lost, and with it the listing.
  local changes = why and listing(fetch(unpack(LISTING)), r, true) or nil
  return reply({ status = why and 'past' or 'other', reason = why, changes = changes })
end
redis.call('HSET', route, 'state', 'ended', 'reason', reason, 'till', int(now + REMEMBER),
  'told', '0')
redis.call('PEXPIRE', route, REMEMBER * 2)
parted(match, reason)
local m = fetch(unpack(LISTING))
r.state = 'ended'
return reply({ status = 'ended', reason = reason, connection = m.gone == nil and m.conn or '', request = request(r),
  changes = listing(m, r, true) })
