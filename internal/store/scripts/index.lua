-- index moves a member that is already listed here to where a report says it is,
-- if the report is newer and of the same session or a newer one.
-- Returns 'moved' and the epoch of its listing, 'absent', 'older' or 'refused', then
-- the requests that wait for it here.
local member, lat, lng, at, seq, session, arrival = ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[8], ARGV[9]

if math.abs(tonumber(arrival) - now) > 30000 then
  arrival = int(now)
end
if at == '' or tonumber(at) > now + 30000 then
  at = arrival
end
if tonumber(at) <= now - ttl then
  return { 'refused' }
end
local text = redis.call('HGET', seen, member)
if not text then
  return { 'absent' }
end
local k = parse(text)
local a = tonumber(at)
if tonumber(session) < k.session or a < k.at or (a == k.at and tonumber(seq) <= k.seq) then
  return { 'older' }
end
redis.call('GEOADD', near, lng, lat, member)
redis.call('HSET', seen, member, int(now) .. ' ' .. at .. ' ' .. seq .. ' ' .. session .. ' ' .. int(k.epoch))
if redis.call('PTTL', seen) < KEEP / 2 then
  keep()
end
local tags = redis.call('HGET', tagged, member) or ''
local found = waiting('moved', member, tonumber(lat), tonumber(lng), tags)
table.insert(found, 2, int(k.epoch))
return found
