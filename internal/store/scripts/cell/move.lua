-- move moves a member that is already listed here to where a report says it is, if
-- the report is newer and of the same session or a newer one. With moved come the
-- epoch of its listing and the requests that wait for it here.
-- Status: moved, absent, older, refused.
local member, lat, lng, at, seq, session, arrival = arguments(7)

at = arrived(at, arrival)
if tonumber(at) <= now - ttl then
  return reply({ status = 'refused' })
end
local text = redis.call('HGET', seen, member)
if not text then
  return reply({ status = 'absent' })
end
local k = parse(text)
local a = tonumber(at)
if tonumber(session) < k.session or a < k.at or (a == k.at and tonumber(seq) <= k.seq) then
  return reply({ status = 'older' })
end
redis.call('GEOADD', near, lng, lat, member)
redis.call('HSET', seen, member, int(now) .. ' ' .. at .. ' ' .. seq .. ' ' .. session .. ' ' .. int(k.epoch))
if redis.call('PTTL', seen) < math.max(KEEP / 2, ttl) then
  keep()
end
local tags = redis.call('HGET', tagged, member) or ''
return reply({ status = 'moved', epoch = int(k.epoch), waiting = waiting(member, tonumber(lat), tonumber(lng), tags) })
