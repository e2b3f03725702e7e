-- connect begins a session: the newest connection wins. With `lost`, a message of the session came,
-- and the cache did not know it: the member is to be told how things stand.
-- Status: ok (`old` is the connection it replaces), rate_limited, kept_out, replaced, gone.
local conn, connected, restricted, tags, card, matchee, available, perMinute, burst, lost = arguments(10)

local status = session(conn, connected)
if status == 'replaced' or status == 'gone' then
  return reply({ status = status })
end
if status == 'ok' then
  return reply({ status = 'ok', old = '' })
end
local refusal = kept_out() or limited('connectRate', tonumber(burst), 60000 / perMinute, 1)
if refusal then
  return reply(refusal)
end

local old = connection()
local tags_before = m.tags or ''
m.tags = tags_before
if restricted == '1' then
  -- The token narrows what was said before; with nothing said it stands for it.
  local kept = {}
  for word in string.gmatch(tags_before, '%S+') do
    if has(tags, word) then
      kept[#kept + 1] = word
    end
  end
  m.tags = #kept > 0 and table.concat(kept, ' ') or tags
end
if m.gone and m.gone + grace > now then
  -- The position of a member who left comes back.
  for name, value in pairs(fetch_all(left) or {}) do
    m[name] = value
  end
end
m.conn, m.gone, m.heard, m.card, m.matchee, m.available, m.advice = conn, nil, now, card, matchee, available, 'none'
if lost == '1' then
  note_untold('state', int(now))
end
m.again = nil -- nobody has pushed anything to this connection
renew(connected)
redis.call('DEL', left)
return reply({ status = 'ok', old = old, changes = index_changes(current_route(), m.tags ~= tags_before) })
