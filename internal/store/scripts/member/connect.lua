-- connect begins a session: the newest connection wins.
-- Status: ok (`old` is the connection it replaces), rate_limited, kept_out, replaced, gone.
local conn, connected, restricted, tags, card, matchee, available, perMinute, burst = arguments(9)

local m = fetch('connectRate', unpack(LISTING))
local status = session(m, conn, connected)
if status == 'replaced' or status == 'gone' then
  return reply({ status = status })
end
if status == 'ok' then
  return reply({ status = 'ok', old = '' })
end
local refusal = kept_out(m) or limited(m, 'connectRate', tonumber(burst), 60000 / perMinute, 1)
if refusal then
  return reply(refusal)
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
local anew = { conn = conn, card = card, matchee = matchee, available = available, tags = m.tags, advice = 'none' }
if m.gone and tonumber(m.gone) + grace > now then
  -- The position of a member who left comes back.
  for name, value in pairs(fetch_all(left) or {}) do
    anew[name] = value
  end
end
redis.call('DEL', left)
store_anew(connected, anew)
put('gone', nil, 'heard', int(now))
return reply({ status = 'ok', old = old,
  changes = index_changes(fetch(unpack(LISTING)), current_route(), m.tags ~= before) })
