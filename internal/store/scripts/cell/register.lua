-- register lets a request wait in this cell, and searches the cell in the same step: a
-- member listed later finds the request, a member listed before is found here. A request that widens
-- waits in its widest circle, and `radius` is that of its circle now.
-- Status: ok (with what search returns).
local x, y, radius, tags, want, self, created, deadline, widening, request = arguments(10)

read_generations()
local before = waiting_request(self)
local came = now
if not before or before.created <= tonumber(created) then
  if before then
    came = before.created == tonumber(created) and before.came or now
    forget(self, before)
  end
  local widest = string.match(widening, ' (%S+) ') or radius
  let_wait(self, { x = tonumber(x), y = tonumber(y), radius = tonumber(widest), created = tonumber(created),
    came = came, deadline = tonumber(deadline), tag = rarest(tags) or '', widening = widening, tags = tags,
    request = request })
end
return nearest(tonumber(x), tonumber(y), tonumber(radius), tags, tonumber(want), self, '')
