-- disconnect ends a connection if it is still the current one and older than `age` ms.
-- The match and the request stay, the position does not.
-- Status: ok, just_connected, other.
local conn, age = arguments(2)

if m.conn ~= conn or m.gone then
  return reply({ status = 'other' })
end
age = tonumber(age)
if age > 0 and now - tonumber(m.connected) < age then
  return reply({ status = 'just_connected' })
end
m.gone = left_at() or now
if m.availableAt or m.tagsAt then
  keep_choice()
end
if not m.claimMatch then
  hide_position() -- a matcher sees its matchee until the match ends
end
return reply({ status = 'ok', changes = index_changes(current_route()) })
