-- told notes what pushes to the member's current connection have told it, by their marks, with
-- commas between. It also notes that both sides of the ended match `free` are free again.
-- Status: ok, other (the connection is not the current one).
local conn, marks, free = arguments(3)

local r = current_route()
if r and r.match == free then
  redis.call('HSET', route, 'notified', '1')
end
if m.conn ~= conn then
  return reply({ status = 'other' })
end
local function is_told(what, which)
  return string.find(',' .. marks .. ',', ',' .. what .. ' ' .. which .. ',', 1, true)
end
local left, ended = {}, false
for _, n in ipairs(untold_list()) do
  if not is_told(n[1], n[2]) then
    left[#left + 1] = n
  elseif n[1] == 'ended' then
    ended = true
  end
end
save_untold(left)
if ended then
  keep_past() -- its reason need not wait for the member any more
end
local due = expired and not is_told('no_match', expired.deadline)
if expired and not due then
  m.no_match = nil
end
if not m.untold and not due then
  m.again = nil
end
if is_told('clock', 'off') then
  m.clockAgain = now + KEEP -- not again in this session
end
return reply({ status = 'ok' })
