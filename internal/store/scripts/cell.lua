-- Prelude of the scripts in cell/, after common.lua: they run on a shard cell's slot.
-- KEYS[1..4] are near (a GEO set), seen, tags and wait (hashes).
local near, seen, tagged, wait = KEYS[1], KEYS[2], KEYS[3], KEYS[4]

-- parse reads what is known of a listed member: heard, at, seq, session, epoch.
local function parse(text)
  local heard, at, seq, session, epoch = string.match(text, '^(%S+) (%S+) (%S+) (%S+) (%S+)$')
  return { heard = tonumber(heard), at = tonumber(at), seq = tonumber(seq), seqText = seq, session = tonumber(session),
    epoch = tonumber(epoch) }
end

local function keep()
  redis.call('PEXPIRE', near, KEEP)
  redis.call('PEXPIRE', seen, KEEP)
  redis.call('PEXPIRE', tagged, KEEP)
end

local function drop(member)
  redis.call('ZREM', near, member)
  redis.call('HDEL', seen, member)
  redis.call('HDEL', tagged, member)
end

local MOST_WAITING = 64 -- requests that one listing returns

-- waiting returns the oldest requests that wait here for someone like this member,
-- each with its owner. The caller's geometry has the last word: a metre is allowed for.
local function waiting(member, lat, lng, tags)
  local fitting = {}
  local all = redis.call('HGETALL', wait)
  for i = 1, #all, 2 do
    local owner, q = all[i], cjson.decode(all[i + 1])
    if tonumber(q.deadline) <= now then
      redis.call('HDEL', wait, owner)
    elseif owner ~= member and has(tags, q.tags) and distance(q.lat, q.lng, lat, lng) <= q.radius + 1 then
      fitting[#fitting + 1] = { created = tonumber(q.created), owner = owner, request = all[i + 1] }
    end
  end
  table.sort(fitting, function(a, b)
    return a.created < b.created or (a.created == b.created and a.owner < b.owner)
  end)
  for i = MOST_WAITING + 1, #fitting do
    fitting[i] = nil
  end
  return fitting
end

-- nearest finds up to `want` listed members within the radius that are fresh and have
-- the tags, nearest first; `more` says that there may be others. The circle grows from
-- 10 m so that a crowd costs no more than a village; stale entries are swept.
local function nearest(lat, lng, radius, wanted, want, self)
  local r, count = 10, math.max(8, want + 2)
  while true do
    r = math.min(r, radius)
    local found = {}
    local hits = redis.call('GEOSEARCH', near, 'FROMLONLAT', lng, lat, 'BYRADIUS', r, 'm', 'ASC', 'COUNT', count,
      'WITHCOORD')
    local names = {}
    for i, hit in ipairs(hits) do
      names[i] = hit[1]
    end
    local known, tags = {}, {}
    for from = 1, #names, 1000 do
      local upto = math.min(#names, from + 999)
      local k = redis.call('HMGET', seen, unpack(names, from, upto))
      local t = wanted ~= '' and redis.call('HMGET', tagged, unpack(names, from, upto))
      for i = from, upto do
        known[i] = k[i - from + 1]
        tags[i] = t and t[i - from + 1]
      end
    end
    for i, name in ipairs(names) do
      local k = known[i] and parse(known[i])
      if not k or k.heard <= now - ttl or k.at <= now - ttl then
        drop(name)
      elseif name ~= self and has(tags[i] or '', wanted) then
        if #found == want then
          return reply({ status = 'ok', found = found, more = true })
        end
        found[#found + 1] = { member = name, lat = hits[i][2][2], lng = hits[i][2][1], at = int(k.at), seq = k.seqText }
      end
    end
    if #hits == count then
      count = count * 4 -- many that do not fit: look at more of them
    elseif r >= radius then
      return reply({ status = 'ok', found = found })
    elseif #found >= want then
      return reply({ status = 'ok', found = found, more = true })
    else
      r = r * 3
    end
  end
end
