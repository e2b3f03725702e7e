-- connect begins a session: the newest connection wins. With `lost`, a message of the session came,
-- and the cache did not know it: the member is to be told how things stand.
-- Status: ok (`old` is the connection it replaces), rate_limited, kept_out, replaced, gone, expired.
local conn, connected, restricted, tags, card, matchee, available, kept, perMinute, burst, lost, expires =
    arguments(12)

local status = session(conn, connected)
if status == 'replaced' or status == 'gone' or status == 'expired' then
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
local tags_before = m.tags
if not m.conn then
  -- The record is gone. What the member chose is not.
  local is_available, its_tags = unpack(redis.call('HMGET', chosen, 'available', 'tags'))
  m.available, m.availableAt = is_available, is_available and 0 or nil
  m.tags, m.tagsAt = its_tags, its_tags and 0 or nil
end
-- What the member chose stands, and whatever it says in this session comes after it. The token
-- narrows its tags. Where nothing was said, the pool and the token stand for it.
local earlier = math.min(tonumber(connected), now) - 1
if kept == '1' and m.availableAt then
  m.availableAt = earlier
else
  m.available, m.availableAt = available, nil
end
if m.tagsAt then
  m.tags, m.tagsAt = restricted == '1' and narrowed(m.tags, tags) or m.tags, earlier
else
  m.tags = tags
end
local known, r = m.conn ~= nil, nil
if known then
  r = current_route() -- has the member left its match before it is heard again?
end
local ended, away = left_at(), absence(r)
if ended and not m.claimMatch then
  hide_position()
end
if ended and ended + grace > now then
  -- The position of a member who left comes back.
  for name, value in pairs(fetch_all(left) or {}) do
    m[name] = value
  end
end
m.conn, m.gone, m.heard, m.card, m.matchee, m.advice = conn, nil, math.max(now, (away or 0) + 1), card, matchee, 'none'
m.expires = tonumber(expires)
if lost == '1' then
  note_untold('state', int(now))
end
m.again, m.clockAgain = nil, nil -- nobody has pushed anything to this connection
m.checked = nil -- its first message tells the peer that it is back
renew(connected)
redis.call('DEL', left) -- one by one, or the owner of a slot that moves refuses them
redis.call('DEL', chosen)
if m.availableAt then
  keep_choice()
end
prune_lists()
if not known then
  r = current_route() -- whose consequences are written to the new record
end
return reply({ status = 'ok', old = old, changes = index_changes(r, m.tags ~= tags_before) })
