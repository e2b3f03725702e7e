-- count counts the available members of this cell. keys[9] keeps the count for a while: until then it
-- is the same for everybody. In a generation with more members than MOST_READ, those who are not
-- fresh any more count as well.
-- Status: ok (`count`, and `till` when the cell is counted anew).
arguments(0)

local count, till = unpack(redis.call('HMGET', keys[9], 'count', 'till'))
if till and tonumber(till) > now then
  return reply({ status = 'ok', count = count, till = till })
end
count, till = 0, int(now + COUNT_KEPT)
read_generations()
for _, g in ipairs(generations) do
  local members = redis.call('ZCARD', g.near)
  if members <= MOST_READ then
    local all = redis.call('HGETALL', g.seen)
    members = 0
    for i = 1, #all, 2 do
      local k = all[i] ~= '' and parse(all[i + 1], g)
      if k and k.heard > now - ttl and k.at > now - ttl then
        members = members + 1
      end
    end
  end
  count = count + members
end
redis.call('HSET', keys[9], 'count', count, 'till', till)
redis.call('PEXPIRE', keys[9], COUNT_KEPT)
return reply({ status = 'ok', count = count, till = till })
