-- disconnect ends a connection if it is still the current one and older than `age` ms.
-- The match and the request stay.
-- Status: ok, just_connected, other.
local conn, age = arguments(2)

local m = fetch(unpack(LISTING))
if m.conn ~= conn or m.gone then
  return reply({ status = 'other' })
end
age = tonumber(age)
if age > 0 and now - tonumber(m.connected) < age then
  return reply({ status = 'just_connected' })
end
m.gone = int(now)
redis.call('HSET', record, 'gone', m.gone)
return reply({ status = 'ok', changes = index_changes(m, current_route()) })
