-- Prelude of every script. The store puts the lifetimes in front of it, in milliseconds
-- (see internal/match/lifetimes.go). The cache runs the preludes once, when it loads them. So
-- what belongs to one run of a script is set by the function `start` of its folder's prelude.
-- args[1] is the clock's offset, args[2] the location TTL and args[3] the grace time, all in
-- milliseconds; a script's own arguments follow.
local keys, args, ttl, grace, now

-- arguments returns the script's own arguments, which must be so many.
local function arguments(count)
  if #args ~= 3 + count then
    error('wants ' .. count .. ' arguments, got ' .. #args - 3)
  end
  return unpack(args, 4)
end

-- Deadlines go by the cache's own clock; tests move it by the offset.
local function clock()
  local t = redis.call('TIME')
  return t[1] * 1000 + math.floor(t[2] / 1000) + tonumber(args[1])
end

local function start_run(its_keys, its_args)
  keys, args = its_keys, its_args
  ttl, grace, now = tonumber(args[2]), tonumber(args[3]), clock()
end

-- int writes a whole number in full; Lua's own form loses digits after 14.
local function int(n)
  return string.format('%d', n)
end

-- reply encodes what a script returns. An empty list is left out: cjson would write {}.
local function reply(t)
  t.now = now
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

-- circle is the radius of a request's circle at that moment. One that widens has `widening`: from how
-- many metres, to how many, and over how many milliseconds. It grows in equal steps, the last time
-- before its deadline.
local function circle(q, moment)
  local from, to, over = string.match(q.widening or '', '^(%S+) (%S+) (%S+)$')
  if not from then
    return q.radius
  end
  local steps = math.floor((math.min(moment, q.deadline - 1) - q.created) * WIDEN_STEPS / over)
  return from + (to - from) * math.max(0, math.min(WIDEN_STEPS, steps)) / WIDEN_STEPS
end

-- has tells whether the words of `wanted` are all among those of `tags`.
local function has(tags, wanted)
  tags = ' ' .. tags .. ' '
  for word in string.gmatch(wanted, '%S+') do
    if not string.find(tags, ' ' .. word .. ' ', 1, true) then
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
