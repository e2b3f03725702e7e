-- wake goes on where list had looked at enough requests. The member may have gone meanwhile, or
-- another process may have looked at the rest.
-- Status: ok (`waiting`, and `rest` if there may be more).
local member, rest = arguments(2)

local k, g = listing(member)
local view = k and parse_view(k.view)
if not view or view.level > LARGEST then
  return reply({ status = 'ok' })
end
local square = redis.call('ZSCORE', g.near, member) - FIRST
local from, told = string.match(rest, '(%S+) (%S+)')
local fitting, more = waiting(member, square, k.tags, view, from, told)
k.view = pack_view(view)
redis.call('HSET', g.seen, member, pack(k, g))
return reply({ status = 'ok', waiting = fitting, rest = more })
