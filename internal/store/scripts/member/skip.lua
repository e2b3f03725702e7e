-- skip keeps positions of the member that no push has shown to its peer in that match: the newest
-- 99, for the grace time. Its next reports return them.
-- Status: ok, other (the member is in another match, or in none).
local match, points = arguments(2)
local MOST = 99

current_route()
if m.claimMatch ~= match and m.active ~= match then
  return reply({ status = 'other' })
end
writable()
if m.skipped ~= match then
  redis.call('DEL', trail) -- that of another match
  m.skipped = match
end
local list = {}
for point in string.gmatch(points, '[^\n]+') do
  list[#list + 1] = point
end
redis.call('RPUSH', trail, unpack(list))
redis.call('LTRIM', trail, -MOST, -1)
redis.call('PEXPIRE', trail, int(grace))
return reply({ status = 'ok' })
