-- claim takes a candidate for a match, or for an offer of one, if it still is what the search saw.
-- Status: yours; claimed, taken, busy, unavailable; moved (with the position).
local matcher, match, at, seq, wanted, offer = arguments(6)

if m.claimMatch then
  if m.claimMatch == match and m.claimMatcher == matcher then
    return reply({ status = 'yours', tell = m.claimOffer and to_push(match),
      connection = m.claimOffer and connection() })
  end
  return reply({ status = 'claimed', claim = claim_of() })
end
local r = current_route()
if r and r.state == 'active' then
  return reply({ status = 'taken' })
end
if r and (r.state == 'searching' or r.state == 'offered') then
  return reply({ status = 'busy' })
end
if left_at() or m.available ~= '1' or m.matchee ~= '1' or not fresh() or unlisted_until() or
  not has(m.tags, wanted) then
  return reply({ status = 'unavailable' })
end
if m.at ~= tonumber(at) or m.seq ~= seq then
  return reply({ status = 'moved', position = position_of() })
end
m.claimMatcher, m.claimMatch, m.claimAt = matcher, match, now
if offer ~= '1' then
  return reply({ status = 'yours' })
end
m.claimOffer = '1'
note_untold('offered', match)
return reply({ status = 'yours', tell = true, connection = connection() })
