-- Prelude of the scripts in member/, after common.lua: they run on a member's slot.
-- keys[1] is the record, keys[2] the member's route: its entry in the routing table. keys[3]
-- is the last position of a member who has left: it expires with the grace time. keys[4] is
-- what is remembered of the member's requests and matches that are over. keys[5] is what the
-- member said of `available` and `tags`: it outlives the record. keys[6] has the positions in the
-- match `skipped` that no push has shown to the peer. keys[7], where the application gets events, is
-- the outbox: the events of the member's requests and of its matches as a matcher that are not yet
-- published.
local record, route, left, past, chosen, trail, outbox
-- m is the record. A field that is absent is nil. What a script assigns to m is written when it
-- replies. Times in it are numbers; degrees and cells stay short. `values` has the fields,
-- `changed` the names of those that a script has assigned, and the stored times count from `base`.
local m, values, changed, base
local stored -- the record as it was, its fields and values by turns
local lists, unsaved -- what was read of `past`, and the names of what is to be written
local expired -- the request that has just expired, until its no_match is taken
local written, hurry -- the events that this run has put into the outbox; every event is to be published at once
-- The most of them that are kept. They are in one table, as a script may have only so many locals.
local MOST = {
  TRAILING = 4,  -- trailing listings of one member
  UNTOLD = 4,    -- notices that one member is not yet told
  APART = 16,    -- members with whom one member has a cool-down
  DECLINED = 32, -- members whom one request is not offered to again, beside those it avoids
  MET = 20,      -- matches and offers whose peers one member can avoid
  EVENTS = 64,   -- events in one outbox: the newest ones
  AT_ONCE = 10,  -- events in one reply
}

-- The names of the record's fields, by what each is called there. That is short, and a record is
-- one listpack as long as each value has at most 64 bytes.
local FIELDS = { t = 'connected', c = 'conn', g = 'gone', h = 'heard', m = 'matchee', v = 'available', w = 'tags',
  d = 'card', a = 'advice', y = 'lat', x = 'lng', p = 'at', s = 'seq', o = 'motion', r = 'reported', k = 'cell',
  l = 'listed', e = 'epoch', f = 'trailing', cm = 'claimMatcher', ci = 'claimMatch', cc = 'claimConfirmed',
  ca = 'claimAt', n = 'no_match', u = 'cancelled', b = 'messageRate', i = 'reportRate', q = 'requestRate',
  z = 'matchRate', j = 'connectRate', hr = 'harvestRate', cr = 'claimRequest', fr = 'refusalRate', fo = 'outUntil',
  jp = 'jumped', V = 'availableAt', W = 'tagsAt', C = 'clockAgain', ac = 'active', un = 'untold', na = 'again',
  ck = 'checked', sk = 'skipped', te = 'expires', co = 'claimOffer', cx = 'claimAccepted', nr = 'nearbyRate',
  ob = 'outbox', eo = 'eventsOf', ea = 'eventsAt', pe = 'peer', lm = 'leftMatch', lk = 'looked' }
-- The values that are not stored.
local DEFAULTS = { matchee = '1', available = '1', tags = '', card = '', advice = 'available', seq = '0', motion = '',
  claimConfirmed = '0' }
-- Times count from `connected`, so that a listpack has them in three bytes or four.
local TIMES = { gone = 1, heard = 1, at = 1, reported = 1, epoch = 1, claimAt = 1, messageRate = 1, reportRate = 1,
  requestRate = 1, matchRate = 1, connectRate = 1, harvestRate = 1, refusalRate = 1, outUntil = 1, again = 1,
  checked = 1, clockAgain = 1, expires = 1, availableAt = 1, tagsAt = 1, nearbyRate = 1, eventsAt = 1, looked = 1 }
local short_of -- the other way round

-- degrees reads coordinates, which are as short as internal/store/short.go writes them.
local function degrees(short)
  return string.find(short, '.', 1, true) and tonumber(short) or short / 1e7
end

-- in_full writes them in degrees.
local function in_full(short)
  return string.find(short, '.', 1, true) and short or string.format('%.7f', short / 1e7)
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

local function assign(_, name, value)
  if values[name] ~= value then
    values[name], changed[name] = value, true
  end
end

-- The metatables are made once, since to make them anew costs more than to use them.
local with_defaults, access = { __index = DEFAULTS }, { __newindex = assign }

local function start(...)
  start_run(...)
  record, route, left, past, chosen, trail, outbox = unpack(keys)
  expired, lists, unsaved, written, hurry = nil, {}, {}, {}, false
  if not short_of then -- the first run: while a cache loads a library, it has no pairs
    short_of, m = {}, setmetatable({}, access)
    for short, name in pairs(FIELDS) do
      short_of[name] = short
    end
  end
  -- Named here, the fields of an idle member get their room at once.
  values = { connected = nil, conn = nil, heard = nil, tags = nil, card = nil, advice = nil, lat = nil, lng = nil,
    at = nil, seq = nil, motion = nil, reported = nil, cell = nil, listed = nil, epoch = nil, messageRate = nil,
    reportRate = nil, connectRate = nil }
  changed, base, access.__index = {}, 0, values
  stored = redis.call('HGETALL', record)
  for i = 1, #stored, 2 do
    if stored[i] == short_of.connected then
      base = tonumber(stored[i + 1])
      setmetatable(values, with_defaults)
      break
    end
  end
  for i = 1, #stored, 2 do
    local name, value = FIELDS[stored[i]], stored[i + 1]
    if name then -- else a newer version wrote it, and reads it again
      values[name] = TIMES[name] and value + base or value
    end
  end
end

-- renew begins the record anew for a session: its times count from another moment. The key is
-- never deleted: while the slot moves to another node, its owner refuses to create it again.
local function renew(connected)
  redis.call('HSET', record, short_of.connected, connected) -- fails in a full cache, which lets a DEL through
  for i = 1, #stored, 2 do
    if not FIELDS[stored[i]] then
      redis.call('HDEL', record, stored[i]) -- a newer version wrote it, and its times count from another moment
    end
  end
  local later = tonumber(connected) - base
  if m.trailing then
    m.trailing = string.gsub(m.trailing, ' (%S+) ([^,]+)', function(epoch, at)
      return ' ' .. int(epoch - later) .. ' ' .. int(at - later)
    end)
  end
  m.connected, base = connected, tonumber(connected)
  for name in pairs(values) do
    changed[name] = true
  end
end

-- writable fails in a full cache, which refuses only the first write of a script, and no DEL.
local function writable()
  if m.connected then
    redis.call('HSET', record, short_of.connected, m.connected)
  end
end

-- save writes what the script has changed in m.
local function save()
  local set, n, gone = {}, 0, nil
  for name in pairs(changed) do
    local value = rawget(values, name)
    if value == nil or value == DEFAULTS[name] then
      gone = gone or {}
      gone[#gone + 1] = short_of[name]
    else
      set[n + 1], set[n + 2] = short_of[name], TIMES[name] and value - base or value
      n = n + 2
    end
  end
  if n > 0 then
    redis.call('HSET', record, unpack(set))
    redis.call('PEXPIRE', record, KEEP)
  end
  if gone then
    redis.call('HDEL', record, unpack(gone))
  end
end

-- left_at is when the member left: its connection has ended, or its session has expired. It is nil
-- or false before.
local function left_at()
  return m.gone or m.expires and m.expires <= now and m.expires
end

-- session tells whose message this is: 'ok', 'gone' (the connection has ended), 'expired',
-- 'replaced' (a newer connection is there) or 'unknown' (newer than the record).
local function session(conn, connected)
  if not m.conn then
    return 'unknown'
  end
  if m.conn == conn then
    return m.gone and 'gone' or left_at() and 'expired' or 'ok'
  end
  local mine, theirs = tonumber(connected), tonumber(m.connected)
  if mine < theirs or (mine == theirs and conn < m.conn) then
    return 'replaced'
  end
  return 'unknown'
end

-- hide_position takes the position of a member who has left out of the record. It can come
-- back until the grace time is over.
local function hide_position()
  if m.lat then
    redis.call('HSET', left, 'lat', m.lat, 'lng', m.lng, 'motion', m.motion)
    redis.call('PEXPIRE', left, int(left_at() + grace - now)) -- at once if that is over
  end
  m.lat, m.lng, m.motion, m.jumped = nil, nil, nil, nil
end

-- connection is where the member can be pushed to, '' if nowhere. That of an expired session is
-- marked until it is closed: its client is to learn that, and nothing else.
local function connection()
  if m.gone then
    return ''
  end
  return left_at() and 'expired ' .. m.conn or m.conn
end

-- narrowed keeps those of the tags that are also among `allowed`.
local function narrowed(tags, allowed)
  local kept = {}
  for word in string.gmatch(tags, '%S+') do
    if has(allowed, word) then
      kept[#kept + 1] = word
    end
  end
  return table.concat(kept, ' ')
end

-- keep_choice keeps what the member said of `available` and `tags` for longer than its record. What
-- it never said is not in it: that is not the same as no tags. While a member is connected, only
-- one that spoke of `available` needs it.
local function keep_choice()
  local fields = m.availableAt and { 'available', m.available } or {}
  if m.tagsAt then
    fields[#fields + 1] = 'tags'
    fields[#fields + 1] = m.tags
  end
  redis.call('HSET', chosen, unpack(fields))
  redis.call('PEXPIRE', chosen, KEEP_CHOICE)
end

-- note_heard notes a sign of life.
local function note_heard()
  m.heard, changed.heard = math.max(now, m.heard or 0), true -- it is written in any case, so that the record lives on
end

-- last_heard is when the member last gave a sign of life.
local function last_heard()
  return math.max(m.heard or 0, m.reported or 0)
end

-- in_match returns the match that the member is in, as far as its own slot shows, and since when.
local function in_match(r)
  if m.claimConfirmed == '1' then
    return m.claimMatch, m.claimAt
  end
  if r and r.state == 'active' then
    return r.match, tonumber(r.searched)
  end
end

-- absence returns since when a member is away from its match, or nil, and when that changes if
-- nothing is heard of it. It is away once its session has ended, or once it has been silent for half
-- the grace time. Of one whose record was lost nothing is known.
local function absence(r)
  local match, began = in_match(r)
  if not match or not m.conn then
    return nil
  end
  local heard, gone = last_heard(), left_at()
  local silent = math.max(heard, began) + 1
  local noticed = silent + math.floor(grace / 2)
  if gone and gone < noticed then
    gone = math.max(gone, heard + 1) -- what is later is newer, for the peer
    return gone, gone + grace
  elseif now >= noticed then
    return silent, silent + grace
  end
  return nil, math.min(noticed, m.expires or noticed)
end

-- known_of_peer is what the member is to know of its peer, in its match: since when it is away, or
-- back. It is nil as long as the peer was never away.
local function known_of_peer()
  local match, state, since = string.match(m.peer or '', '^(%S+) (%S+) (%S+)$')
  return match and { match = match, state = state, since = tonumber(since) } or nil
end

-- load_list reads a list, and save_list keeps its last entries, four or so many. They are
-- remembered as long as a repeat may ask for them, and longer while a request is open, its match
-- goes on, or the member is not yet told something.
local function load_list(field)
  if not lists[field] then
    local text = redis.call('HGET', past, field)
    lists[field] = text and cjson.decode(text) or {}
  end
  return lists[field]
end

local function save_list(field, list, most)
  while #list > (most or 4) do
    table.remove(list, 1)
  end
  lists[field], unsaved[field] = list, true
end

-- keep_past keeps the lists as long as the member may be told what is in them.
local function keep_past()
  local wait = m.untold and KEEP or REMEMBER_OUTCOME
  for _, q in ipairs(load_list('requests')) do
    if q.outcome == 'open' or q.outcome == 'matched' then
      wait = KEEP
    end
  end
  redis.call('PEXPIRE', past, wait)
end

-- save_lists writes the lists that were saved.
local function save_lists()
  local set = {}
  for field in pairs(unsaved) do
    if #lists[field] > 0 then
      set[#set + 1] = field
      set[#set + 1] = cjson.encode(lists[field])
    end
  end
  if #set == 0 then
    return
  end
  redis.call('HSET', past, unpack(set))
  keep_past()
end

local reply_only = reply
-- due_events returns the events that are to be published. For NOTIFY_AGAIN one is left to the process
-- whose script wrote it.
local function due_events()
  local all, due = redis.call('LRANGE', outbox, 0, -1), {}
  for _, event in ipairs(all) do
    if #due < MOST.AT_ONCE and (hurry or written[event] or now >= string.match(event, '"at":(%d+)') + NOTIFY_AGAIN) then
      due[#due + 1] = event
    end
  end
  m.outbox = #all > 0 and '1' or nil
  return due
end

local function publish_all(all)
  hurry = all
end

-- reply also has the events that are to be published, and the matcher whose outbox may have some.
local function reply(t)
  if outbox then
    t.events = m.outbox and due_events()
    t.events_of = m.eventsOf and (m.eventsAt == now or now >= m.eventsAt + NOTIFY_AGAIN) and m.eventsOf or nil
  end
  save()
  save_lists()
  return reply_only(t)
end

-- erase erases what is stored of the member. For REMEMBER_END it stays known which connection has
-- ended: a message of it must not begin a session.
local function erase()
  writable()
  for _, key in ipairs({ route, left, past, chosen, trail, outbox }) do
    redis.call('DEL', key) -- one by one, or the owner of a slot that moves refuses them
  end
  local conn, connected, gone = m.conn, m.connected, m.gone
  for name in pairs(values) do
    m[name] = nil
  end
  if conn then
    m.conn, m.connected, m.gone = conn, connected, gone
    renew(connected)
    save()
    redis.call('PEXPIRE', record, REMEMBER_END)
  end
  changed, lists, unsaved = {}, {}, {}
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

-- end_reason returns why a match of this member ended, and who ended it early, or nil.
local function end_reason(match)
  for _, e in ipairs(load_list('ends')) do
    if e.match == match and e.at + REMEMBER_END > now then
      return e.reason, e.early
    end
  end
end

-- note_met remembers, for requests that avoid it, with whom this member was in a match or an offer.
local function note_met(match, peer)
  local list = load_list('met')
  list[#list + 1] = { match = match, peer = peer, at = now }
  save_list('met', list, MOST.MET)
end

-- note_end remembers the end of a match of this member, for a matchee with its
-- matcher. It returns the id of this member's request that led to the match, or nil.
local function note_end(match, reason, early, matcher, matchee)
  m.peer, m.leftMatch = nil, nil
  if matcher or matchee then
    note_met(match, matcher or matchee)
  end
  local list = load_list('ends')
  list[#list + 1] = { match = match, reason = reason, early = early, at = now, matcher = matcher }
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

-- What the member is not yet told is a list of { what, which, … }, oldest first. The two words
-- are the mark by which `told` clears it: no later notice has the same mark. The process whose
-- script notes it pushes it. If the push fails, it goes out with the member's first message from
-- the time `again` on.
local function untold_list()
  return m.untold and cjson.decode(m.untold) or {}
end

local function save_untold(list)
  m.untold = #list > 0 and cjson.encode(list) or nil
end

-- note_untold adds a notice and returns its mark. The end of a match takes the place of its
-- beginning, of that of its offer, and of what was to be told of the peer. Of each kind but ended
-- and no_match only the newest counts. If there are more than MOST.UNTOLD, a welcome tells how
-- things stand instead.
local function note_untold(what, which, radius, id)
  local list = {}
  for _, n in ipairs(untold_list()) do
    local old = n[1] == what and what ~= 'ended' and what ~= 'no_match' or
      (what == 'ended' or what == 'matched') and n[2] == which or what == 'ended' and n[1] == 'peer'
    if not old then
      list[#list + 1] = n
    end
  end
  list[#list + 1] = { what, which, radius, id }
  if #list > MOST.UNTOLD then
    list = { { 'state', int(now) } }
  end
  save_untold(list)
  m.again = now + NOTIFY_AGAIN
  return what .. ' ' .. which
end

-- drop_untold drops the notices of a match: it is over, and the member knows.
local function drop_untold(match)
  local list = {}
  for _, n in ipairs(untold_list()) do
    if n[2] ~= match then
      list[#list + 1] = n
    end
  end
  save_untold(list)
end

-- is_untold tells whether a notice of that match is on the list.
local function is_untold(match)
  for _, n in ipairs(untold_list()) do
    if n[2] == match then
      return true
    end
  end
  return false
end

-- to_push tells the same to a process that pushes the notice now.
local function to_push(match)
  local listed = is_untold(match)
  if listed then
    m.again = now + NOTIFY_AGAIN
  end
  return listed
end

-- prune_lists takes what is over out of the lists that name other members: after each connect
-- nothing of them stays that nobody needs.
local function prune_lists()
  local fields = { 'ends', 'apart', 'met' }
  local all = redis.call('HMGET', past, unpack(fields))
  for i, field in ipairs(fields) do
    local list = {}
    for _, e in ipairs(all[i] and cjson.decode(all[i]) or {}) do
      if (e.till or e.at + (field == 'met' and REMEMBER_OUTCOME or REMEMBER_END)) > now or is_untold(e.match) then
        list[#list + 1] = e
      end
    end
    if #list > 0 then
      redis.call('HSET', past, field, cjson.encode(list))
    elseif all[i] then
      redis.call('HDEL', past, field)
    end
  end
end

-- overdue tells the same, if no process has been pushing the notice for less than NOTIFY_AGAIN.
local function overdue(match)
  return now >= (m.again or 0) and is_untold(match)
end

-- note_event puts an event of that match of the route r into the outbox. `leaver` is which of the two left.
local function note_event(kind, match, r, reason, far, leaver)
  if not outbox then
    return
  end
  local event = cjson.encode({ type = kind, at = now, match = match, matchee = r.matchee, request = r.request,
    reason = reason, distance = far, left = leaver })
  written[event] = true
  redis.call('RPUSH', outbox, event)
  redis.call('LTRIM', outbox, -MOST.EVENTS, -1)
  redis.call('PEXPIRE', outbox, KEEP)
  m.outbox = '1'
end

-- note_waiting notes the event that a request waits, the first time that it does.
local function note_waiting(r)
  if outbox and r.wait == '1' and not r.noted and now < tonumber(r.deadline) then
    redis.call('HSET', route, 'noted', '1')
    r.noted = '1'
    note_event('request.waiting', r.match, { request = r.request })
  end
end

-- close_request removes a request that is over and gives its ids their outcome. Of a no_match
-- the member is not yet told.
local function close_request(r, outcome, match)
  writable()
  redis.call('DEL', route)
  drop_untold(r.match) -- of an offer
  if r.state == 'offered' then
    note_event('match.ended', r.match, r, 'cancelled')
  end
  if outcome ~= 'no_match' then
    m.no_match = nil
  end
  answer_requests(outcome, match, circle(r, r.deadline))
end

-- take_back takes an offer that was declined or has expired back to its request, which waits then.
-- The member is told that this offer is over.
local function take_back(r, reason)
  local declined = r.declined and cjson.decode(r.declined) or {}
  declined[#declined + 1] = r.matchee
  local avoided = tonumber(r.avoided or 0) -- come first
  if #declined > avoided + MOST.DECLINED then
    table.remove(declined, avoided + 1)
  end
  r.declined = cjson.encode(declined)
  if reason == 'expired' then
    r.registered = '0' -- the owner's next message registers it anew, and searches
  end
  redis.call('HSET', route, 'state', 'waiting', 'declined', r.declined, 'registered', r.registered)
  redis.call('HDEL', route, 'match', 'matchee', 'distance', 'till')
  if m.conn then
    note_untold('ended', r.match)
    note_end(r.match, reason, nil, nil, r.matchee)
  end
  note_event('match.ended', r.match, r, reason)
  note_waiting(r)
  r.state, r.match, r.matchee, r.distance, r.till = 'waiting', nil, nil, nil, nil
end

-- current_route returns the route, or nil. It first writes what deadlines that have
-- passed mean: a slow process is refused, whatever its own clock says. The record has the
-- no_match of a request from its begin on, and the match of an active route: where the cache has
-- lost the route, the request or the match is over. A member who was away from its match for longer
-- than the grace time has left it. What it says after that does not change this, so a sign of life
-- is noted only after current_route.
local function current_route()
  local r = fetch_all(route)
  local away_since = absence(r)
  if away_since and away_since + grace <= now then
    m.leftMatch = in_match(r) -- whatever it says from now on
  end
  if r and r.state == 'searching' and now >= tonumber(r.till) then
    -- The lease has lapsed: the owner's next message registers the request anew, unless it is over.
    redis.call('HSET', route, 'state', 'waiting', 'registered', '0')
    redis.call('HDEL', route, 'match', 'till')
    note_waiting(r)
    r.state, r.registered, r.match, r.till = 'waiting', '0', nil, nil
  elseif r and r.state == 'offered' and now >= tonumber(r.till) then
    take_back(r, 'expired')
    m.again = nil -- no process pushes that
  end
  if r then
    local over = r.state == 'waiting' and r.deadline or r.till -- an active one has none
    if not over or now < tonumber(over) then
      if m.conn and r.state == 'active' then -- perhaps the record was lost, and the route was not
        m.active = r.match
      elseif m.conn and r.state ~= 'ended' then
        m.no_match = r.deadline .. ' ' .. circle(r, r.deadline) .. ' ' .. r.request
      end
      return r
    end
    redis.call('DEL', route)
  end
  if m.active then
    local match = m.active
    m.active = nil
    note_untold('ended', match)
    note_end(match, 'lost')
    note_event('match.ended', match, {}, 'lost')
    m.again = nil -- no process pushes it
  end
  local deadline, radius, id = string.match(m.no_match or '', '^(%S+) (%S+) (.*)$')
  if deadline then
    expired = { id = id, radius = radius, deadline = deadline }
    answer_requests('no_match', nil, radius)
  end
end

-- cooling returns the member's cool-downs, but the one with `peer`, and tells if that is there.
local function cooling(peer)
  local others, with_peer = {}, false
  for _, c in ipairs(load_list('apart')) do
    if c.till > now and c.peer == peer then
      with_peer = true
    elseif c.till > now then
      others[#others + 1] = c
    end
  end
  return others, with_peer
end

local function fresh()
  return m.lat and m.reported > now - ttl and m.at > now - ttl
end

-- limited takes from a bucket that holds `size` and gains one every so many milliseconds. If
-- it is empty, limited returns the refusal of the message. The bucket is stored as the moment
-- at which it will be full (the generic cell rate algorithm).
local function limited(field, size, every, take)
  size = math.max(1, size) -- a bucket of less than one would never be full
  local full = math.max(now, m[field] or 0)
  local wait = full - now + every - size * every
  if wait <= 0 then
    if take > 0 then
      m[field] = math.floor(full + every * take + 0.5)
    end
    return nil
  end
  if field == 'refusalRate' then
    return { status = 'kept_out', retry = KEEP_OUT }
  end
  local out = limited('refusalRate', REFUSALS, REFUSALS_IN / REFUSALS, 1)
  if out then
    m.outUntil = now + KEEP_OUT
  end
  return out or { status = 'rate_limited', limit = field, retry = math.ceil(wait) }
end

-- unlisted_until is when a member who has ended too many matches early may be found and may ask
-- once more, or nil.
local function unlisted_until()
  local till = m.harvestRate
  return till and till > now and till or nil
end

-- lag is how old the last report was on arrival, in steps; 0 where the usual advice keeps its
-- member fresh all the same.
local function lag()
  local age = m.reported and m.reported - m.at or 0
  if ttl - age >= 1.5 * math.min(ADVISED, ttl / 2, grace / 2) then
    return 0
  end
  return math.ceil(age * 12 / ttl) * ttl / 12
end

-- untold returns what the member is to be told with this message, nil if nothing, or if another
-- process has been pushing it for less than NOTIFY_AGAIN. current_route comes before.
local function untold()
  if not (m.untold or expired) or now < (m.again or 0) then
    return nil
  end
  local list, all = {}, untold_list()
  if expired then
    all[#all + 1] = { 'no_match', expired.deadline, expired.radius, expired.id }
  end
  m.again = now + NOTIFY_AGAIN
  local ends = load_list('ends')
  for i, n in ipairs(all) do
    local one = { what = n[1], which = n[2], radius = n[3], id = n[4] or request_of(n[2]), advice = m.advice,
      unlisted = unlisted_until(), lag = lag(), peer = n[1] == 'peer' and known_of_peer() or nil }
    for _, e in ipairs(ends) do
      if e.match == n[2] then
        one.reason = e.reason
      end
    end
    list[i] = one
  end
  return list
end

-- check_match tells that the other half of the match is to be looked at: from time to time, and
-- if the member has left.
local function check_match()
  local due = (m.claimMatch or m.active) and (m.leftMatch ~= nil or (m.checked or 0) + CHECK_MATCH <= now)
  if due then
    m.checked = now
  end
  return due
end

-- give_back undoes what one message or match took from a bucket.
local function give_back(field, every)
  if m[field] then
    m[field] = math.floor(m[field] - every + 0.5)
  end
end

-- part settles the end of a match with `peer`, in which this member had that role. `early` is
-- who ended it early: matcher, matchee or nobody, and nil if it was not early. If one left the
-- other, the pair gets a cool-down. Who ended it early pays. part returns whether the match is
-- to be given back to this member. Of a pair that has a cool-down already nobody gets anything
-- back, and the matchee, who did not ask, pays nothing.
local function part(peer, role, early, reason, cool_down, per_hour)
  if not early and reason ~= 'cancelled' then
    return false
  end
  local list, too_soon = cooling(peer)
  if early ~= 'nobody' and tonumber(cool_down) > 0 then
    list[#list + 1] = { peer = peer, till = now + cool_down }
    save_list('apart', list, MOST.APART)
  end
  if early == role and not (role == 'matchee' and too_soon) then
    -- Half of the hour's budget can be spent at once: so no hour has more than the whole.
    local at_once = math.max(1, math.floor(per_hour / 2))
    local every = 3600000 / (per_hour - at_once + 1)
    m.harvestRate = math.floor(math.max(now - (at_once - 1) * every, m.harvestRate or 0) + every + 0.5)
  end
  return early and early ~= role and not too_soon
end

-- kept_out returns the refusal of a member who was refused too often, or nil.
local function kept_out()
  local wait = (m.outUntil or 0) - now
  return wait > 0 and { status = 'kept_out', retry = wait } or nil
end

-- enter decides whether the message is served at all. It returns the refusal, or nil. A
-- message is taken from the member's budget once: `perSecond` is '' where a step of it was.
local function enter(conn, connected, perSecond, burst)
  local status = session(conn, connected)
  if status ~= 'ok' then
    return { status = status }
  end
  if perSecond ~= '' then
    return kept_out() or limited('messageRate', tonumber(burst), 1000 / perSecond, 1)
  end
end

-- A change of the index is one text, which costs less than a table to make and to encode.
-- entry describes the member's listing for the scripts of the cell.
local function entry(op)
  -- It is listed until the session expires at the latest.
  local heard = m.expires and math.min(m.reported, m.expires - ttl) or m.reported
  return string.format('%s %s %d %s %s %d %s %d %s %s', op, m.cell, m.epoch, m.lat, m.lng, m.at, m.seq, heard,
    m.connected, m.tags)
end

-- new_epoch gives the listing a new epoch: no removal issued before can hide it.
local function new_epoch()
  m.epoch = math.max((m.epoch or 0) + 1, now)
end

local function unlisting(cell, epoch)
  return 'unlist ' .. cell .. ' ' .. int(epoch or 0)
end

-- accuracy_of returns the accuracy of a motion, or nil. A phone that does not know it says 0.
local function accuracy_of(motion)
  local n = tonumber(string.match(motion, '^%S*'))
  return n ~= 0 and n or nil
end

-- order tells whether a choice that comes now is newer than one that arrived then: above 0 if so,
-- 0 if neither is. Messages of one moment have the order of their positions.
local function order(last, arrival, newer)
  return last ~= arrival and arrival - (last or 0) or newer
end

-- shares tells whether the member is a matcher whose matchee sees its moves.
local function shares(r)
  return r and r.state == 'active' and r.share == '1'
end

-- advise says what the member's location is wanted for.
local function advise(r)
  if m.claimConfirmed == '1' or shares(r) then
    return 'watched'
  elseif r and r.state ~= 'ended' and not m.listed then
    return 'watching' -- an owner who is silent is passed over
  end
  return m.listed and 'available' or unlisted_until() and 'unlisted' or 'unavailable'
end

-- index_changes decides whether and where the member is listed, writes that down
-- and returns the changes of the index. With `anew` it lists the member even where the
-- record says that it is; with `moved` it moves a listing that stays to the last report.
local function index_changes(r, anew, moved)
  local changes = {}
  if m.claimMatch and m.claimConfirmed ~= '1' then
    return changes -- undecided: leave the index alone
  end
  local free = not m.claimMatch and not (r and r.state == 'active')
  local listable = free and not left_at() and m.available == '1' and m.matchee == '1' and fresh() and
    not unlisted_until()
  if not (m.trailing or anew) and m.listed == (listable and m.cell or nil) then
    return listable and moved and { entry('move') } or changes -- the usual case
  end
  local trailing, stay = {}, {}
  for cell, epoch, at in string.gmatch(m.trailing or '', '([^ ,]+) (%S+) ([^,]+)') do
    trailing[#trailing + 1] = { cell = cell, epoch = epoch + base, at = at + base }
  end
  if listable and m.listed and m.listed ~= m.cell then
    trailing[#trailing + 1] = { cell = m.listed, epoch = m.epoch, at = now }
  end
  -- A trailing listing stays for as long as a search may take: a search that read the
  -- new cell early and reads the old one late needs it.
  for i, t in ipairs(trailing) do
    if listable and t.cell ~= m.cell and t.at + LEASE > now and i > #trailing - MOST.TRAILING then
      stay[#stay + 1] = t.cell .. ' ' .. int(t.epoch - base) .. ' ' .. int(t.at - base)
    elseif t.cell ~= m.cell or not listable then
      changes[#changes + 1] = unlisting(t.cell, t.epoch)
    end
  end
  m.trailing = #stay > 0 and table.concat(stay, ',') or nil
  if listable and (m.listed ~= m.cell or anew) then
    new_epoch()
    m.listed = m.cell
    changes[#changes + 1] = entry('list')
  elseif listable and moved then
    changes[#changes + 1] = entry('move')
  elseif not listable and m.listed then
    changes[#changes + 1] = unlisting(m.listed, m.epoch)
    m.listed = nil
  end
  return changes
end

-- request, route_of, claim_of and position_of are the parts of replies, and nil where there
-- is no such thing.
local function request(r)
  return { id = r.request, lat = r.lat, lng = r.lng, radius = circle(r, now), widening = r.widening, tags = r.tags,
    created = r.created, deadline = r.deadline, wait = r.wait, registered = r.registered, share = r.share,
    confirm = r.confirm, declined = r.declined and cjson.decode(r.declined) or nil }
end

-- to_search is the request for a search, with the cool-downs of its owner.
local function to_search(r)
  local q, apart = request(r), cooling()
  q.apart = #apart > 0 and apart or nil
  return q
end

-- grown tells whether the circle of a request has grown since it was last searched.
local function grown(r)
  return circle(r, r.searched) < circle(r, now)
end

local function route_of(r, q)
  return r and { state = r.state, match = r.match, matchee = r.matchee, reason = r.reason, notified = r.notified,
    till = r.state == 'offered' and r.till or nil, distance = r.distance, grown = grown(r),
    left = m.leftMatch ~= nil and m.leftMatch == r.match,
    request = q or request(r) } or nil
end

local function claim_of()
  return m.claimMatch and { matcher = m.claimMatcher, match = m.claimMatch, confirmed = m.claimConfirmed,
    at = m.claimAt, offer = m.claimOffer, accepted = m.claimAccepted, left = m.leftMatch == m.claimMatch }
end

local function position_of()
  return m.lat and { lat = m.lat, lng = m.lng, at = m.at, seq = m.seq, motion = m.motion }
end

-- hear begins a message of a session, which is its sign of life, or without a connection a look at
-- the member. It returns the refusal, or nil, the route, and what the member is to be told.
local function hear(conn, connected, perSecond, burst)
  if conn == '' then
    return nil, current_route()
  end
  local refusal = enter(conn, connected, perSecond, burst)
  if refusal then
    return refusal
  end
  local r = current_route()
  note_heard()
  return nil, r, untold()
end

-- presence_of tells of a member of a match whether it is away, and what it is to know of its peer.
local function presence_of(r)
  return in_match(r) and { away = absence(r), heard = last_heard(), peer = known_of_peer() } or nil
end

-- look is the reply with the member's record and route. With a session it also says from time to
-- time (`check`) that the other half of its match is to be looked at: the cache may have lost it.
local function look(r, in_session)
  local check
  if in_session then
    check = check_match()
    if r and r.state == 'active' then
      redis.call('PEXPIRE', route, KEEP)
    end
  end
  return { status = 'ok', check = check, connection = connection(), claim = claim_of(),
    position = position_of(), card = m.card, available = m.available, tags = m.tags,
    tell = overdue(m.claimMatch or m.active), pushing = now < (m.again or 0) and is_untold(m.claimMatch or m.active),
    route = route_of(r), searched = r and r.searched + SEARCH_AGAIN > now or nil,
    ends = load_list('ends'), unlisted = unlisted_until(), presence = presence_of(r) }
end

-- goes_on tells whether the match of the route is still to be ended for both.
local function goes_on(r, match)
  return r and r.match == match and (r.state == 'active' or r.state == 'ended' and r.notified ~= '1')
end

-- finish ends the match of the route r that goes on, which `by` asked for, and returns the reply.
local function finish(r, reason, by, perMinute, matchesPerHour, harvestPerHour, coolDown)
  local match, early = r.match, r.early
  if r.state == 'ended' then
    reason = r.reason
  else
    early = now - r.searched < EARLY and by or nil
    redis.call('HSET', route, 'state', 'ended', 'reason', reason, 'early', early or '', 'till', int(now + REMEMBER_END),
      'notified', '0')
    redis.call('HDEL', route, 'lat', 'lng') -- nobody is shown the point any more
    redis.call('PEXPIRE', route, REMEMBER_END * 2)
    m.active = nil
    note_untold('ended', match)
    note_end(match, reason, early, nil, r.matchee)
    if reason == 'left' then
      note_event('member.left', match, r, nil, nil, by)
    end
    note_event('match.ended', match, r, reason)
    if part(r.matchee, 'matcher', early, reason, coolDown, harvestPerHour) then
      give_back('requestRate', 60000 / perMinute)
      give_back('matchRate', 3600000 / matchesPerHour)
    end
    r.state = 'ended'
  end
  return { status = 'ended', matchee = r.matchee, reason = reason, early = early, tell = to_push(match),
    connection = connection(), request = { id = r.request }, changes = index_changes(r, true),
    unlisted = unlisted_until() }
end
