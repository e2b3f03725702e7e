-- mark notes that a box of a shard cell has members that were listed in the span that began then.
-- Listings live for two spans at most. A third allows for clocks that differ, and for a mark that is late.
-- Status: ok.
local cell, box, start = arguments(3)
box = tonumber(box)

local till = start + 3 * ttl
local known, boxes = string.match(redis.call('HGET', occupied, cell) or '', '^(%d+)%.?(%d*)$')
if not known then
  known, boxes = 0, '0000000000000000'
  -- The hash grows only here, so here what is over is dropped.
  local over, all = {}, redis.call('HGETALL', occupied)
  for i = 1, #all, 2 do
    if tonumber(all[i + 1]) <= now then
      over[#over + 1] = all[i]
    end
  end
  if #over > 0 then
    redis.call('HDEL', occupied, unpack(over))
  end
elseif boxes == '' then
  boxes = '3333333333333333'
end
local spans = math.max(0, math.floor((till - known) / ttl))
boxes = string.gsub(boxes, '%d', function(digit)
  return int(math.max(0, digit - spans))
end)
redis.call('HSET', occupied, cell, int(math.max(till, tonumber(known))) .. '.' ..
  string.sub(boxes, 1, box) .. '3' .. string.sub(boxes, box + 2))
redis.call('PEXPIRE', occupied, 3 * ttl)
return reply({ status = 'ok' })
