-- Prelude of every script. ARGV[1] is the clock offset and ARGV[2] the location
-- TTL, in milliseconds.
local ttl = tonumber(ARGV[2])
local KEEP = 7800000 -- 2 h 10 min: longer than any session

-- Deadlines are by the cache's own clock; tests move it by the offset.
local function clock()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000) + tonumber(ARGV[1])
end
local now = clock()

-- int writes a whole number in full; Lua's own form loses digits after 14.
local function int(n)
  return string.format('%.0f', n)
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
