-- occupied returns the shard cells of the area that may have members.
-- Status: ok.
arguments(0)

local cells, all = {}, redis.call('HGETALL', occupied)
for i = 1, #all, 2 do
  if tonumber(all[i + 1]) > now then
    cells[#cells + 1] = all[i]
  else
    redis.call('HDEL', occupied, all[i])
  end
end
return reply({ status = 'ok', cells = cells })
