-- fall ends a search that found nobody: back to waiting while there is time and
-- `how` is 'wait', else to no_match.
-- Status: waiting, no_match, other.
local match, how = ARGV[4], ARGV[5]

local m = fetch(unpack(LISTING))
local connection = m.gone == nil and m.conn or ''
local r = settle()
if not r or r.match ~= match or r.state ~= 'searching' then
  local expired = due()
  if expired then
    return reply({ status = 'no_match', connection = connection, request = expired })
  end
  return reply({ status = r and r.state == 'waiting' and 'waiting' or 'other', request = r and request(r) or nil,
    connection = connection })
end
if how == 'wait' and now < tonumber(r.deadline) then
  redis.call('HSET', route, 'state', 'waiting')
  redis.call('HDEL', route, 'match', 'till')
  return reply({ status = 'waiting', connection = connection, request = request(r), again = r.again,
    changes = listing(m, r, true) })
end
close(r, 'no_match', nil)
return reply({ status = 'no_match', connection = connection, request = request(r), changes = listing(m, nil, true) })
