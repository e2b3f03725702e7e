-- watch tells whether the entry still carries this match with this matchee, and
-- where its owner is connected.
-- Status: active, searching (undecided), past (`reason` says why), other.
local match, matchee = ARGV[4], ARGV[5]

local r = settle()
if r and r.match == match and r.state == 'searching' then
  return reply({ status = 'searching' })
end
if r and r.match == match and r.matchee == matchee and r.state == 'active' then
  local m = fetch('conn', 'gone')
  redis.call('PEXPIRE', route, KEEP)
  return reply({ status = 'active', connection = m.gone == nil and m.conn or '', told = r.told, request = request(r) })
end
local why = past(match)
return reply({ status = why and 'past' or 'other', reason = why })
