-- Prelude of every script on a member's slot, after common.lua.
-- KEYS[1] the record, KEYS[2] the routing-table entry; ARGV[3] the grace time in
-- milliseconds. A script's own arguments follow.
local record, route = KEYS[1], KEYS[2]
local grace = tonumber(ARGV[3])
local LEASE = 15000 -- how long one search may take
local BEHIND = 4 -- how many shards left behind may still list the member
local REMEMBER = 60000 -- how long an end is remembered
local IDEMPOTENT = 600000 -- how long the outcome of a request id is

-- fetch returns the named fields of the record as a table; absent ones are nil.
local function fetch(...)
  local names = { ... }
  local values = redis.call('HMGET', record, unpack(names))
  local m = {}
  for i, name in ipairs(names) do
    if values[i] then
      m[name] = values[i]
    end
  end
  return m
end

-- session tells whose message this is: 'ok', 'gone' (it has disconnected),
-- 'replaced' (a newer one is there) or 'unknown' (newer than the record).
local function session(m, conn, connected)
  if not m.conn then
    return 'unknown'
  end
  if m.conn == conn then
    return m.gone and 'gone' or 'ok'
  end
  local mine, theirs = tonumber(connected), tonumber(m.connected)
  if mine < theirs or (mine == theirs and conn < m.conn) then
    return 'replaced'
  end
  return 'unknown'
end

-- alive notes a sign of life.
local function alive()
  redis.call('HSET', record, 'heard', int(now))
  redis.call('PEXPIRE', record, KEEP)
end

local function remembered(field)
  local text = redis.call('HGET', record, field)
  return text and cjson.decode(text) or {}
end

local function remember(field, list)
  while #list > 4 do
    table.remove(list, 1)
  end
  if #list > 0 then
    redis.call('HSET', record, field, cjson.encode(list))
    redis.call('PEXPIRE', record, KEEP)
  end
end

-- asked notes a request id, so that a repeat of it finds its outcome.
local function asked(id, outcome, match)
  if id == '' then
    return
  end
  local list = remembered('requests')
  for i = #list, 1, -1 do
    if list[i].id == id then
      table.remove(list, i)
    end
  end
  list[#list + 1] = { id = id, at = now, outcome = outcome, match = match, reason = '' }
  remember('requests', list)
end

-- answered gives every open request id the outcome of the request.
local function answered(outcome, match, radius)
  local list = remembered('requests')
  for _, q in ipairs(list) do
    if q.outcome == 'open' then
      q.outcome, q.match, q.radius, q.at = outcome, match, radius, now
    end
  end
  remember('requests', list)
end

-- past returns the reason a match of this member ended for, or nil.
local function past(match)
  for _, p in ipairs(remembered('past')) do
    if p.match == match and p.at + REMEMBER > now then
      return p.reason
    end
  end
end

-- asking returns the id of the member's request that led to the match, or nil.
local function asking(match)
  for _, q in ipairs(remembered('requests')) do
    if q.match == match then
      return q.id
    end
  end
end

-- parted notes the end of a match of this member, for a matchee with its matcher,
-- and returns the id of the request that led to it, if it was this member's.
local function parted(match, reason, matcher)
  local list = remembered('past')
  list[#list + 1] = { match = match, reason = reason, at = now, matcher = matcher }
  remember('past', list)
  local requests, id = remembered('requests'), nil
  for _, q in ipairs(requests) do
    if q.match == match then
      q.outcome, q.reason, q.at, id = 'ended', reason, now, id or q.id
    end
  end
  remember('requests', requests)
  return id
end

-- close removes a request that is over and gives its ids their outcome.
local function close(r, outcome, match)
  redis.call('DEL', route)
  answered(outcome, match, r.radius)
end

-- settle returns the routing-table entry, having written what its passed
-- deadlines mean: a slow process is refused whatever its own clock says.
local function settle()
  local flat = redis.call('HGETALL', route)
  if #flat == 0 then
    return nil
  end
  local r = {}
  for i = 1, #flat, 2 do
    r[flat[i]] = flat[i + 1]
  end
  if r.state == 'searching' and now >= tonumber(r.till) then
    if now < tonumber(r.deadline) then
      -- A lapsed lease falls back; its owner's next message searches anew.
      redis.call('HSET', route, 'state', 'waiting', 'registered', '0')
      redis.call('HDEL', route, 'match', 'till')
      r.state, r.registered, r.match, r.till = 'waiting', '0', nil, nil
    else
      r.state = 'over'
    end
  elseif r.state == 'waiting' and now >= tonumber(r.deadline) then
    r.state = 'over'
  elseif r.state == 'ended' and now >= tonumber(r.till) then
    redis.call('DEL', route)
    return nil
  end
  if r.state == 'over' then
    close(r, 'no_match', nil)
    redis.call('HSET', record, 'due', cjson.encode({ id = r.request, radius = r.radius }))
    redis.call('PEXPIRE', record, KEEP)
    return nil
  end
  return r
end

-- due takes the no_match that the owner of an expired request was not told; with
-- an id only of that request.
local function due(id)
  local text = redis.call('HGET', record, 'due')
  local told = text and cjson.decode(text)
  if told and (not id or told.id == id) then
    redis.call('HDEL', record, 'due')
    return told
  end
end

local function fresh(m)
  return m.reported and tonumber(m.reported) > now - ttl and tonumber(m.at) > now - ttl
end

-- bucket takes tokens from a bucket that gets one every so many milliseconds; false
-- if it is empty.
local function bucket(field, size, every, take)
  size = math.max(1, size) -- less than one would never be full
  local left, since = size, now
  local text = redis.call('HGET', record, field)
  if text then
    local l, s = string.match(text, '^(%S+) (%S+)$')
    left = math.min(size, tonumber(l) + math.max(0, now - tonumber(s)) / every)
  end
  if left < 1 then
    return false
  end
  redis.call('HSET', record, field, string.format('%.4f', left - take) .. ' ' .. int(since))
  redis.call('PEXPIRE', record, KEEP)
  return true
end

-- The fields that say where, and whether, a member is listed.
local LISTING = { 'conn', 'connected', 'gone', 'available', 'matchee', 'lat', 'lng', 'at', 'seq', 'reported',
  'cell', 'tags', 'claimMatch', 'claimConfirmed', 'listed', 'epoch', 'behind' }

-- entry describes the member's listing for the index scripts.
local function entry(m, op, cell)
  return { op = op, cell = cell, epoch = m.epoch, lat = m.lat, lng = m.lng, at = m.at, seq = m.seq,
    heard = m.reported, session = m.connected, tags = m.tags }
end

-- advance gives the listing a new epoch: no removal issued before can hide it.
local function advance(m)
  m.epoch = int(math.max(tonumber(m.epoch or '0') + 1, now))
  redis.call('HSET', record, 'epoch', m.epoch)
end

-- listing decides anew whether and where the member is listed, writes that down
-- and returns the changes of the index. `again` lists it even where the record
-- says that it is.
local function listing(m, r, again)
  local changes = {}
  local free = not m.claimMatch and not (r and r.state == 'active')
  local listable = free and not m.gone and m.available == '1' and m.matchee == '1' and fresh(m)
  if m.claimMatch and m.claimConfirmed ~= '1' then
    return changes -- undecided: leave the index alone
  end
  local behind, stay = m.behind and cjson.decode(m.behind) or {}, {}
  if listable and m.listed and m.listed ~= m.cell then
    behind[#behind + 1] = { cell = m.listed, epoch = m.epoch, at = now }
  end
  -- The entries in shards left behind stay for as long as a search may take: one that
  -- read the new shard early and reads the old one late needs them.
  for i, b in ipairs(behind) do
    if listable and b.cell ~= m.cell and b.at + LEASE > now and i > #behind - BEHIND then
      stay[#stay + 1] = b
    elseif b.cell ~= m.cell or not listable then
      changes[#changes + 1] = { op = 'unlist', cell = b.cell, epoch = b.epoch }
    end
  end
  if #stay > 0 then
    redis.call('HSET', record, 'behind', cjson.encode(stay))
  else
    redis.call('HDEL', record, 'behind')
  end
  if listable and (m.listed ~= m.cell or again) then
    advance(m)
    redis.call('HSET', record, 'listed', m.cell)
    changes[#changes + 1] = entry(m, 'list', m.cell)
  elseif not listable and m.listed then
    redis.call('HDEL', record, 'listed')
    changes[#changes + 1] = { op = 'unlist', cell = m.listed, epoch = m.epoch }
  end
  return changes
end

-- request is what the process that serves it needs to know of a request.
local function request(r)
  return { id = r.request, lat = r.lat, lng = r.lng, radius = r.radius, tags = r.tags, created = r.created,
    deadline = r.deadline, wait = r.wait, registered = r.registered }
end

-- reply encodes an answer; an empty list stays a list.
local function reply(t)
  t.now = int(now)
  if t.changes and #t.changes == 0 then
    t.changes = nil
  end
  return cjson.encode(t)
end
