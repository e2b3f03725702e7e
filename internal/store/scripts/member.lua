-- Prelude of the scripts in member/, after common.lua: they run on a member's slot.
-- KEYS[1] is the record, KEYS[2] the member's route: its entry in the routing table. KEYS[3]
-- is the last position of a member who has left: it expires with the grace time. KEYS[4] is
-- what is remembered of the member's requests and matches that are over.
local record, route, left, past = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local MOST_TRAILING = 4 -- trailing listings of one member

-- The fields of the record: how each is called there, and the value that is not stored.
-- The names are short, and a record is one listpack as long as each value has at most 64
-- bytes. No script writes a short name: fetch, put and store_anew do.
local FIELDS = {
  conn = { 'c' }, connected = { 't' }, gone = { 'g' }, heard = { 'h' }, matchee = { 'm', '1' }, available = { 'v', '1' },
  tags = { 'w', '' }, card = { 'd', '' }, advice = { 'a', 'available' },
  lat = { 'y' }, lng = { 'x' }, at = { 'p' }, seq = { 's', '0' }, motion = { 'o', '' }, reported = { 'r' },
  cell = { 'k' }, listed = { 'l' }, epoch = { 'e' }, trailing = { 'f' },
  claimMatcher = { 'cm' }, claimMatch = { 'ci' }, claimConfirmed = { 'cc', '0' }, claimAt = { 'ca' },
  no_match = { 'n' }, cancelled = { 'u' },
  messageRate = { 'b' }, reportRate = { 'i' }, requestRate = { 'q' }, matchRate = { 'z' }, connectRate = { 'j' },
  refusalRate = { 'fr' }, outUntil = { 'fo' },
}
local NAMES = {}
for name, field in pairs(FIELDS) do
  NAMES[field[1]] = name
end

-- Times count from `connected`, so that a listpack has them in three bytes or four. Degrees
-- are whole numbers of 1e-7 where that is exact. A cell is the number without its first digit,
-- which all have, and its trailing ones.
local base = tonumber(redis.call('HGET', record, FIELDS.connected[1]) or '0')

local time = {
  store = function(text) return int(tonumber(text) - base) end,
  load = function(text) return int(tonumber(text) + base) end,
}
local degrees = {
  store = function(text)
    local n = tonumber(text)
    return tonumber(string.format('%.7f', n)) == n and int(n * 1e7) or text
  end,
  load = function(text)
    return string.find(text, '.', 1, true) and text or string.format('%.7f', tonumber(text) / 1e7)
  end,
}
local cells = {
  store = function(text) return int(tonumber(string.match(text, '^8(.-)f*$'), 16)) end,
  load = function(text)
    local digits = string.format('8%x', tonumber(text))
    return digits .. string.rep('f', 15 - #digits)
  end,
}
local trails = {
  store = function(list)
    local all = {}
    for i, t in ipairs(list) do
      all[i] = cells.store(t.cell) .. ' ' .. time.store(t.epoch) .. ' ' .. time.store(t.at)
    end
    return table.concat(all, ',')
  end,
  load = function(text)
    local list = {}
    for cell, epoch, at in string.gmatch(text, '([^ ,]+) (%S+) ([^,]+)') do
      list[#list + 1] = { cell = cells.load(cell), epoch = time.load(epoch), at = time.load(at) }
    end
    return list
  end,
}
local FORMS = { gone = time, heard = time, at = time, reported = time, epoch = time, claimAt = time, messageRate = time,
  reportRate = time, requestRate = time, matchRate = time, connectRate = time, refusalRate = time, outUntil = time,
  lat = degrees, lng = degrees, cell = cells, listed = cells, trailing = trails }

local function load(name, stored)
  if not stored then
    return base > 0 and FIELDS[name][2] or nil
  end
  return FORMS[name] and FORMS[name].load(stored) or stored
end

-- fetch returns the named fields of the record as a table; absent ones are nil.
local function fetch(...)
  local names, short = { ... }, {}
  for i, name in ipairs(names) do
    short[i] = FIELDS[name][1]
  end
  local values, m = redis.call('HMGET', record, unpack(short)), {}
  for i, name in ipairs(names) do
    m[name] = load(name, values[i])
  end
  return m
end

-- put writes fields of the record, given as name and value in turn. A value of nil removes
-- the field. The record is kept from now on.
local kept = 0
local function put(...)
  local set, gone = {}, {}
  for i = 1, select('#', ...), 2 do
    local name, value = select(i, ...)
    local field = FIELDS[name]
    if value == nil or value == field[2] then
      gone[#gone + 1] = field[1]
    else
      set[#set + 1] = field[1]
      set[#set + 1] = FORMS[name] and FORMS[name].store(value) or value
    end
  end
  if #set > 0 then
    redis.call('HSET', record, unpack(set))
  end
  if #gone > 0 then
    redis.call('HDEL', record, unpack(gone))
  end
  if kept == 0 then
    kept = redis.call('PEXPIRE', record, KEEP)
  end
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

-- store_anew stores the record with these fields changed and a new `connected`.
local function store_anew(connected, changed)
  local all = {}
  for short, stored in pairs(fetch_all(record) or {}) do
    all[NAMES[short]] = load(NAMES[short], stored)
  end
  for name, value in pairs(changed) do
    all[name] = value
  end
  redis.call('DEL', record)
  base, kept = tonumber(connected), 0
  all.connected = connected
  local flat = {}
  for name, value in pairs(all) do
    flat[#flat + 1] = name
    flat[#flat + 1] = value
  end
  put(unpack(flat))
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

-- hide_position takes the position of a member who has left out of the record. It can come
-- back until the grace time is over.
local function hide_position(m)
  local wait = tonumber(m.gone) + grace - now
  if m.lat and wait > 0 then
    redis.call('HSET', left, 'lat', m.lat, 'lng', m.lng, 'motion', m.motion)
    redis.call('PEXPIRE', left, int(wait))
  end
  put('lat', nil, 'lng', nil, 'motion', nil)
end

-- connection is where the member can be pushed to, '' if nowhere.
local function connection(m)
  return m.gone == nil and m.conn or ''
end

-- note_heard notes a sign of life.
local function note_heard()
  put('heard', int(now))
end

-- load_list and save_list keep the last four entries of a list. They are remembered as long as
-- a repeat may ask for them, and longer while a request is open or its match goes on.
local function load_list(field)
  local text = redis.call('HGET', past, field)
  return text and cjson.decode(text) or {}
end

local function save_list(field, list)
  while #list > 4 do
    table.remove(list, 1)
  end
  if #list > 0 then
    redis.call('HSET', past, field, cjson.encode(list))
  end
  local wait = REMEMBER_OUTCOME
  for _, q in ipairs(load_list('requests')) do
    if q.outcome == 'open' or q.outcome == 'matched' then
      wait = KEEP
    end
  end
  redis.call('PEXPIRE', past, wait)
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
  put('no_match', nil)
  answer_requests(outcome, match, r.radius)
end

-- current_route returns the route, or nil. It first writes what deadlines that have
-- passed mean: a slow process is refused, whatever its own clock says. The record has the
-- no_match of a request from its begin on: the route expires soon after the deadline.
local expired
local function current_route()
  local r = fetch_all(route)
  if r and r.state == 'searching' and now >= tonumber(r.till) and now < tonumber(r.deadline) then
    -- The lease has lapsed: the owner's next message registers the request anew.
    redis.call('HSET', route, 'state', 'waiting', 'registered', '0')
    redis.call('HDEL', route, 'match', 'till')
    r.state, r.registered, r.match, r.till = 'waiting', '0', nil, nil
  end
  if r then
    local over = r.state == 'waiting' and r.deadline or r.till -- an active one has none
    if not over or now < tonumber(over) then
      return r
    end
    redis.call('DEL', route)
  end
  local deadline, radius, id = string.match(fetch('no_match').no_match or '', '^(%S+) (%S+) (.*)$')
  if deadline and now >= tonumber(deadline) then
    expired = { id = id, radius = radius }
    answer_requests('no_match', nil, radius)
  end
end

-- take_no_match takes the no_match of which the owner of an expired request was not
-- notified; with an id only that request's. current_route comes before.
local function take_no_match(id)
  local taken = expired
  if taken and (not id or taken.id == id) then
    put('no_match', nil)
    expired = nil
    return taken
  end
end

local function fresh(m)
  return m.lat and tonumber(m.reported) > now - ttl and tonumber(m.at) > now - ttl
end

-- limited takes from a bucket that holds `size` and gains one every so many milliseconds. If
-- it is empty, limited returns the refusal of the message. The bucket is stored as the moment
-- at which it will be full (the generic cell rate algorithm).
local function limited(m, field, size, every, take)
  size = math.max(1, size) -- a bucket of less than one would never be full
  local full = math.max(now, tonumber(m[field] or '0'))
  local wait = full - now + every - size * every
  if wait <= 0 then
    if take > 0 then
      m[field] = int(full + every * take)
      put(field, m[field])
    end
    return nil
  end
  if field == 'refusalRate' then
    return { status = 'kept_out', retry = KEEP_OUT }
  end
  local out = limited(m, 'refusalRate', REFUSALS, REFUSALS_IN / REFUSALS, 1)
  if out then
    put('outUntil', int(now + KEEP_OUT))
  end
  return out or { status = 'rate_limited', limit = field, retry = math.ceil(wait) }
end

-- kept_out returns the refusal of a member who was refused too often, or nil.
local function kept_out(m)
  local wait = tonumber(m.outUntil or '0') - now
  return wait > 0 and { status = 'kept_out', retry = wait } or nil
end

-- enter decides whether the message is served at all. It returns the refusal, or nil. A
-- message is taken from the member's budget once: `perSecond` is '' where a step of it was.
local function enter(m, conn, connected, perSecond, burst)
  local status = session(m, conn, connected)
  if status ~= 'ok' then
    return { status = status }
  end
  if perSecond ~= '' then
    return kept_out(m) or limited(m, 'messageRate', tonumber(burst), 1000 / perSecond, 1)
  end
end

-- The fields that say where, and whether, a member is listed.
local LISTING = { 'conn', 'connected', 'gone', 'available', 'matchee', 'lat', 'lng', 'at', 'seq', 'reported',
  'cell', 'tags', 'claimMatcher', 'claimMatch', 'claimConfirmed', 'claimAt', 'listed', 'epoch', 'trailing', 'messageRate',
  'refusalRate', 'outUntil' }

-- entry describes the member's listing for the scripts of the cell.
local function entry(m, op, cell)
  return { op = op, cell = cell, epoch = m.epoch, lat = m.lat, lng = m.lng, at = m.at, seq = m.seq,
    heard = m.reported, session = m.connected, tags = m.tags }
end

-- new_epoch gives the listing a new epoch: no removal issued before can hide it.
local function new_epoch(m)
  m.epoch = int(math.max(tonumber(m.epoch or '0') + 1, now))
  put('epoch', m.epoch)
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
  local trailing, stay = m.trailing or {}, {}
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
  if #trailing > 0 then
    put('trailing', #stay > 0 and stay or nil)
  end
  if listable and (m.listed ~= m.cell or anew) then
    new_epoch(m)
    m.listed = m.cell
    put('listed', m.cell)
    changes[#changes + 1] = entry(m, 'list', m.cell)
  elseif listable and moved then
    changes[#changes + 1] = entry(m, 'move', m.cell)
  elseif not listable and m.listed then
    put('listed', nil)
    changes[#changes + 1] = { op = 'unlist', cell = m.listed, epoch = m.epoch }
    m.listed = nil
  end
  return changes
end

-- request, route_of, claim_of and position_of are the parts of replies, and nil where there
-- is no such thing.
local function request(r)
  return { id = r.request, lat = r.lat, lng = r.lng, radius = r.radius, tags = r.tags, created = r.created,
    deadline = r.deadline, wait = r.wait, registered = r.registered }
end

local function route_of(r)
  return r and { state = r.state, match = r.match, matchee = r.matchee, reason = r.reason, notified = r.notified,
    request = request(r) } or nil
end

local function claim_of(m)
  return m.claimMatch and { matcher = m.claimMatcher, match = m.claimMatch, confirmed = m.claimConfirmed, at = m.claimAt }
end

local function position_of(m)
  return m.lat and { lat = m.lat, lng = m.lng, at = m.at, seq = m.seq, motion = m.motion }
end
