-- connect begins a session: the newest connection wins.
-- Status: ok (`old` is the connection it replaces), replaced, gone.
local conn, connected, restricted, tags, card, matchee, available = arguments(7)

local m = fetch(unpack(LISTING))
local status = session(m, conn, connected)
if status == 'replaced' or status == 'gone' then
  return reply({ status = status })
end
if status == 'ok' then
  return reply({ status = 'ok', old = '' })
end

local old = connection(m)
local before = m.tags or ''
m.tags = before
if restricted == '1' then
  -- The token narrows what was said before; with nothing said it stands for it.
  local kept = {}
  for word in string.gmatch(before, '%S+') do
    if has(tags, word) then
      kept[#kept + 1] = word
    end
  end
  m.tags = #kept > 0 and table.concat(kept, ' ') or tags
end
m.conn, m.connected, m.gone, m.matchee, m.available = conn, connected, nil, matchee, available
redis.call('HSET', record, 'conn', conn, 'connected', connected, 'card', card,
  'matchee', matchee, 'available', available, 'tags', m.tags)
redis.call('HDEL', record, 'gone', 'advice')
note_heard()
return reply({ status = 'ok', old = old, changes = index_changes(m, current_route(), m.tags ~= before) })
