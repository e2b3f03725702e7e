-- Prelude of the scripts in member/, after common.lua: they run on a member's slot.
-- KEYS[1] is the record, KEYS[2] the member's route: its entry in the routing table.
local record, route = KEYS[1], KEYS[2]
local MOST_TRAILING = 4 -- trailing listings of one member

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

-- fetch_all returns every field of a hash, or nil where it does not exist.
local function fetch_all(key)
  local flat = redis.call('HGETALL', key)
  if #flat == 0 then
    return nil
  end
  local all = {}
  for i = 1, #flat, 2 do
    all[flat[i]] = flat[i + 1]
  end
  return all
end

-- session tells whose message this is: 'ok', 'gone' (the connection has ended),
-- 'replaced' (a newer connection is there) or 'unknown' (newer than the record).
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

-- connection is where the member can be pushed to, '' if nowhere.
local function connection(m)
  return m.gone == nil and m.conn or ''
end

-- note_heard notes a sign of life.
local function note_heard()
  redis.call('HSET', record, 'heard', int(now))
  redis.call('PEXPIRE', record, KEEP)
end

-- load_list and save_list keep the last four entries of a list in one field.
local function load_list(field)
  local text = redis.call('HGET', record, field)
  return text and cjson.decode(text) or {}
end

local function save_list(field, list)
  while #list > 4 do
    table.remove(list, 1)
  end
  if #list > 0 then
    redis.call('HSET', record, field, cjson.encode(list))
    redis.call('PEXPIRE', record, KEEP)
  end
end

-- note_request remembers a request id, so that a repeat of it finds its outcome.
local function note_request(id, outcome, match)
  if id == '' then
    return
  end
  local list = load_list('requests')
  for i = #list, 1, -1 do
    if list[i].id == id then
      table.remove(list, i)
    end
  end
  list[#list + 1] = { id = id, at = now, outcome = outcome, match = match, reason = '' }
  save_list('requests', list)
end

-- answer_requests gives every open request id the outcome of the request.
local function answer_requests(outcome, match, radius)
  local list = load_list('requests')
  for _, q in ipairs(list) do
    if q.outcome == 'open' then
      q.outcome, q.match, q.radius, q.at = outcome, match, radius, now
    end
  end
  save_list('requests', list)
end

-- request_of returns the id of the member's request that led to the match, or nil.
local function request_of(match)
  for _, q in ipairs(load_list('requests')) do
    if q.match == match then
      return q.id
    end
  end
end

-- end_reason returns why a match of this member ended, or nil.
local function end_reason(match)
  for _, e in ipairs(load_list('ends')) do
    if e.match == match and e.at + REMEMBER_END > now then
      return e.reason
    end
  end
end

-- note_end remembers the end of a match of this member, for a matchee with its
-- matcher. It returns the id of this member's request that led to the match, or nil.
local function note_end(match, reason, matcher)
  local list = load_list('ends')
  list[#list + 1] = { match = match, reason = reason, at = now, matcher = matcher }
  save_list('ends', list)
  local requests, id = load_list('requests'), nil
  for _, q in ipairs(requests) do
    if q.match == match then
      q.outcome, q.reason, q.at, id = 'ended', reason, now, id or q.id
    end
  end
  save_list('requests', requests)
  return id
end

-- close_request removes a request that is over and gives its ids their outcome.
local function close_request(r, outcome, match)
  redis.call('DEL', route)
  answer_requests(outcome, match, r.radius)
end

-- current_route returns the route, or nil. It first writes what deadlines that have
-- passed mean: a slow process is refused, whatever its own clock says.
local function current_route()
  local r = fetch_all(route)
  if not r then
    return nil
  end
  local expired = false
  if r.state == 'searching' and now >= tonumber(r.till) then
    if now < tonumber(r.deadline) then
      -- The lease has lapsed: the owner's next message registers the request anew.
      redis.call('HSET', route, 'state', 'waiting', 'registered', '0')
      redis.call('HDEL', route, 'match', 'till')
      r.state, r.registered, r.match, r.till = 'waiting', '0', nil, nil
    else
      expired = true
    end
  elseif r.state == 'waiting' and now >= tonumber(r.deadline) then
    expired = true
  elseif r.state == 'ended' and now >= tonumber(r.till) then
    redis.call('DEL', route)
    return nil
  end
  if expired then
    close_request(r, 'no_match', nil)
    redis.call('HSET', record, 'no_match', cjson.encode({ id = r.request, radius = r.radius }))
    redis.call('PEXPIRE', record, KEEP)
    return nil
  end
  return r
end

-- take_no_match takes the no_match of which the owner of an expired request was not
-- notified; with an id only that request's.
local function take_no_match(id)
  local text = redis.call('HGET', record, 'no_match')
  local expired = text and cjson.decode(text)
  if expired and (not id or expired.id == id) then
    redis.call('HDEL', record, 'no_match')
    return expired
  end
end

local function fresh(m)
  return m.reported and tonumber(m.reported) > now - ttl and tonumber(m.at) > now - ttl
end

-- take_token takes tokens from a bucket that gains one every so many milliseconds;
-- false if it is empty.
local function take_token(field, size, every, take)
  size = math.max(1, size) -- a bucket of less than one would never be full
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
  'cell', 'tags', 'claimMatcher', 'claimMatch', 'claimConfirmed', 'claimAt', 'listed', 'epoch', 'trailing' }

-- entry describes the member's listing for the scripts of the cell.
local function entry(m, op, cell)
  return { op = op, cell = cell, epoch = m.epoch, lat = m.lat, lng = m.lng, at = m.at, seq = m.seq,
    heard = m.reported, session = m.connected, tags = m.tags }
end

-- new_epoch gives the listing a new epoch: no removal issued before can hide it.
local function new_epoch(m)
  m.epoch = int(math.max(tonumber(m.epoch or '0') + 1, now))
  redis.call('HSET', record, 'epoch', m.epoch)
end

-- index_changes decides whether and where the member is listed, writes that down
-- and returns the changes of the index. With `anew` it lists the member even where the
-- record says that it is; with `moved` it moves a listing that stays to the last report.
local function index_changes(m, r, anew, moved)
  local changes = {}
  if m.claimMatch and m.claimConfirmed ~= '1' then
    return changes -- undecided: leave the index alone
  end
  local free = not m.claimMatch and not (r and r.state == 'active')
  local listable = free and not m.gone and m.available == '1' and m.matchee == '1' and fresh(m)
  local trailing, stay = m.trailing and cjson.decode(m.trailing) or {}, {}
  if listable and m.listed and m.listed ~= m.cell then
    trailing[#trailing + 1] = { cell = m.listed, epoch = m.epoch, at = now }
  end
  -- A trailing listing stays for as long as a search may take: a search that read the
  -- new cell early and reads the old one late needs it.
  for i, t in ipairs(trailing) do
    if listable and t.cell ~= m.cell and t.at + LEASE > now and i > #trailing - MOST_TRAILING then
      stay[#stay + 1] = t
    elseif t.cell ~= m.cell or not listable then
      changes[#changes + 1] = { op = 'unlist', cell = t.cell, epoch = t.epoch }
    end
  end
  if #stay > 0 then
    redis.call('HSET', record, 'trailing', cjson.encode(stay))
  elseif m.trailing then
    redis.call('HDEL', record, 'trailing')
  end
  if listable and (m.listed ~= m.cell or anew) then
    new_epoch(m)
    m.listed = m.cell
    redis.call('HSET', record, 'listed', m.cell)
    changes[#changes + 1] = entry(m, 'list', m.cell)
  elseif listable and moved then
    changes[#changes + 1] = entry(m, 'move', m.cell)
  elseif not listable and m.listed then
    redis.call('HDEL', record, 'listed')
    changes[#changes + 1] = { op = 'unlist', cell = m.listed, epoch = m.epoch }
    m.listed = nil
  end
  return changes
end

-- request, route_of, claim_of and position_of are the parts of replies. Where there is no
-- claim or no position the table is empty, and the reply leaves it out.
local function request(r)
  return { id = r.request, lat = r.lat, lng = r.lng, radius = r.radius, tags = r.tags, created = r.created,
    deadline = r.deadline, wait = r.wait, registered = r.registered }
end

local function route_of(r)
  return r and { state = r.state, match = r.match, matchee = r.matchee, reason = r.reason, notified = r.notified,
    request = request(r) } or nil
end

local function claim_of(m)
  return { matcher = m.claimMatcher, match = m.claimMatch, confirmed = m.claimConfirmed, at = m.claimAt }
end

local function position_of(m)
  return { lat = m.lat, lng = m.lng, at = m.at, seq = m.seq, motion = m.motion }
end
