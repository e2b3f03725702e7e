-- cancel withdraws the request under way.
-- Status: cancelled (also when repeated), active, other; replaced, gone, unknown.
local conn, connected = arguments(2)

local m = fetch(unpack(LISTING))
local status = session(m, conn, connected)
if status ~= 'ok' then
  return reply({ status = status })
end
note_heard()
local r = current_route()
if (r and r.state == 'active') or m.claimConfirmed == '1' then
  return reply({ status = 'active' })
end
if r and (r.state == 'waiting' or r.state == 'searching') then
  close_request(r, 'cancelled', nil)
  redis.call('HSET', record, 'cancelled', cjson.encode({ id = r.request, at = now }))
  return reply({ status = 'cancelled', request = request(r), changes = index_changes(m, nil, true) })
end
local text = redis.call('HGET', record, 'cancelled')
if text then
  local last = cjson.decode(text)
  if last.at + REMEMBER_END > now then
    return reply({ status = 'cancelled', request = { id = last.id } })
  end
end
return reply({ status = 'other', no_match = take_no_match() })
