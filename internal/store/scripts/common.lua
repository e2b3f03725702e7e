-- Prelude of every script. The store puts the lifetimes in front of it, in milliseconds
-- (see internal/match/lifetimes.go). ARGV[1] is the clock's offset, ARGV[2] the location
-- TTL and ARGV[3] the grace time, all in milliseconds; a script's own arguments follow.
local ttl, grace = tonumber(ARGV[2]), tonumber(ARGV[3])

-- arguments returns the script's own arguments, which must be so many.
local function arguments(count)
  if #ARGV ~= 3 + count then
    error('wants ' .. count .. ' arguments, got ' .. #ARGV - 3)
  end
  return unpack(ARGV, 4)
end

-- Deadlines go by the cache's own clock; tests move it by the offset.
local function clock()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000) + tonumber(ARGV[1])
end
local now = clock()

-- int writes a whole number in full; Lua's own form loses digits after 14.
local function int(n)
  return string.format('%.0f', n)
end

-- reply encodes what a script returns. An empty list is left out: cjson would write {}.
local function reply(t)
  t.now = int(now)
  for name, value in pairs(t) do
    if type(value) == 'table' and next(value) == nil then
      t[name] = nil
    end
  end
  return cjson.encode(t)
end

-- arrived returns the time of a report: its own if it has one and is not ahead of
-- the clock by more than 30 s, else that of its arrival, which a wrong clock of the
-- gateway does not move by more than 30 s either. It returns the time of arrival, too.
local function arrived(at, arrival)
  if math.abs(tonumber(arrival) - now) > MAX_AHEAD then
    arrival = int(now)
  end
  if at == '' or tonumber(at) > now + MAX_AHEAD then
    return arrival, arrival
  end
  return at, arrival
end

-- has tells whether the words of `wanted` are all among those of `tags`.
local function has(tags, wanted)
  for word in string.gmatch(wanted, '%S+') do
    if not string.find(' ' .. tags .. ' ', ' ' .. word .. ' ', 1, true) then
      return false
    end
  end
  return true
end

-- distance is the great-circle distance in metres, on the sphere of H3.
local function distance(lat1, lng1, lat2, lng2)
  local rad = math.pi / 180
  local u = math.sin((lat2 - lat1) * rad / 2)
  local v = math.sin((lng2 - lng1) * rad / 2)
  local h = u * u + math.cos(lat1 * rad) * math.cos(lat2 * rad) * v * v
  return 2 * 6371007.180918475 * math.asin(math.min(1, math.sqrt(h)))
end
