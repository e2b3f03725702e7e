-- occupied returns the shard cells of the area that may have members.
-- Status: ok.
arguments(0)

local cells, over, all = {}, {}, redis.call('HGETALL', occupied)
for i = 1, #all, 2 do
  if tonumber(all[i + 1]) > now then
    cells[#cells + 1] = all[i]
  else
    over[#over + 1] = all[i]
  end
end
if #over > 0 then
  redis.call('HDEL', occupied, unpack(over))
end
return reply({ status = 'ok', cells = cells })
