-- give_up ends a search that found nobody: back to waiting while there is time and
-- `how` is 'wait', else to no_match.
-- Status: waiting (with `missed` somebody came whom the search may have missed), no_match, other.
local match, how = arguments(2)

local r = current_route()
if not r or r.match ~= match or r.state ~= 'searching' then
  if expired then
    m.again = now + NOTIFY_AGAIN
    return reply({ status = 'no_match', connection = connection(), request = expired })
  end
  return reply({ status = r and r.state == 'waiting' and 'waiting' or 'other', request = r and request(r) or nil,
    connection = connection() })
end
if how == 'wait' and now < tonumber(r.deadline) then
  redis.call('HSET', route, 'state', 'waiting')
  redis.call('HDEL', route, 'match', 'till')
  note_waiting(r)
  return reply({ status = 'waiting', connection = connection(), request = request(r), missed = r.missed,
    changes = index_changes(r, true) })
end
close_request(r, 'no_match', nil)
m.again = now + NOTIFY_AGAIN -- this process pushes it
return reply({ status = 'no_match', connection = connection(), request = request(r),
  changes = index_changes(nil, true) })
