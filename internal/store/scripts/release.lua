-- release undoes a claim, or ends it with the match, and lists the member again.
-- Status: released, past (it was, `reason` says why), other.
local matcher, match, reason = ARGV[4], ARGV[5], ARGV[6]

local m = fetch('claimMatcher', unpack(LISTING))
if m.claimMatch ~= match or m.claimMatcher ~= matcher then
  local why = past(match)
  -- The first answer may have been lost, and with it the listing.
  return reply({ status = why and 'past' or 'other', reason = why, changes = why and listing(m, settle(), true) })
end
local confirmed = m.claimConfirmed == '1'
redis.call('HDEL', record, 'claimMatcher', 'claimMatch', 'claimConfirmed', 'claimAt')
m.claimMatcher, m.claimMatch, m.claimConfirmed = nil, nil, nil
local asker = confirmed and parted(match, reason, matcher) or nil
local r = settle()
return reply({ status = 'released', confirmed = confirmed, connection = m.gone == nil and m.conn or '',
  state = r and r.state, request = asker and { id = asker } or nil, changes = listing(m, r, true) })
