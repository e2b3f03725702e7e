-- release undoes a claim, or ends it with the match, and lists the member again.
-- Status: released, past (it was, `reason` says why), other.
local matcher, match, reason = ARGV[4], ARGV[5], ARGV[6]

local m = fetch('claimMatcher', unpack(LISTING))
local mine = m.claimMatch == match and m.claimMatcher == matcher
local why = not mine and past(match)
if not mine and not why then
  return reply({ status = 'other' })
end
local confirmed = not mine or m.claimConfirmed == '1'
local asker
if mine then
  redis.call('HDEL', record, 'claimMatcher', 'claimMatch', 'claimConfirmed', 'claimAt')
  m.claimMatcher, m.claimMatch, m.claimConfirmed = nil, nil, nil
  asker = confirmed and parted(match, reason, matcher)
else
  asker = asking(match) -- the first answer may have been lost, and with it the listing
end
local r = settle()
return reply({ status = mine and 'released' or 'past', reason = why or reason, confirmed = confirmed,
  connection = m.gone == nil and m.conn or '', request = asker and { id = asker } or nil, state = r and r.state,
  changes = listing(m, r, true) })
