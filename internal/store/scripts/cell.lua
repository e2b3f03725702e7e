-- Prelude of the scripts in cell/, after common.lua: they run on a shard cell's slot.
-- Positions are squares of the cell's plane (see internal/geo), distances are in its units.
--
-- Listed members are in two generations: those heard in this span of one location TTL, and
-- those heard in the span before. A report takes its member into the current generation.
-- A generation is dropped as a whole, so what a member leaves behind costs no sweeping.
-- KEYS[1..3] and KEYS[4..6] are the generations: near (a sorted set by square), seen (a hash
-- of what is known of each member) and tags (the index of rare tags). KEYS[7] and KEYS[8] are
-- the requests that wait here, by owner, and the queue that finds them.
local wait, queue = KEYS[7], KEYS[8]

local SIDE = 32768    -- of the plane
local MOST_READ = 256 -- entries that one run reads, beside one last page
local MOST_BOXES = 160 -- boxes that one search counts
local LEAF = 12       -- a box with more entries is split
local PAGE = 32
local RARE = 128      -- a tag of more members is not rare: looking around finds one soon

local function generation(start)
  local first = start / ttl % 2 * 3
  local g = { near = KEYS[first + 1], seen = KEYS[first + 2], tags = KEYS[first + 3], start = start }
  -- The field of no member says of which span these keys are, and if its area was marked.
  local stamp = redis.call('HGET', g.seen, '')
  if stamp then
    local begun, marked = string.match(stamp, '^(%d+)( ?)')
    g.known, g.marked = tonumber(begun) == start, marked == ' '
  end
  return g
end

local current = generation(now - now % ttl)
local last = generation(current.start - ttl)
local generations = {} -- that have members
for _, g in ipairs({ current, last }) do
  if g.known then
    generations[#generations + 1] = g
  end
end

local function stamp(marked)
  redis.call('HSET', current.seen, '', int(current.start) .. marked)
end

-- pack and parse write and read what is known of a listed member. Times are written as
-- differences, for the memory's sake.
local function pack(k)
  return table.concat({ int(k.heard - current.start), int(k.heard - k.at), k.seq, int(k.session),
    int(k.epoch - k.session), k.tags }, ' ')
end

local function parse(text, g)
  local heard, at, seq, session, epoch, tags = string.match(text, '^(%S+) (%S+) (%S+) (%S+) (%S+) (.*)$')
  heard, session = g.start + heard, tonumber(session)
  return { heard = heard, at = heard - at, seq = seq, session = session, epoch = session + epoch, tags = tags }
end

-- listing returns what is known of a member, and its generation, or nil.
local function listing(member)
  for _, g in ipairs(generations) do
    local text = redis.call('HGET', g.seen, member)
    if text then
      return parse(text, g), g
    end
  end
end

-- The index of tags has an entry "tag member" for each member with a rare tag, and an entry
-- "#tag" for a tag that is not rare.
local function with_tag(tag)
  return '[' .. tag .. ' ', '(' .. tag .. '!'
end

local function post(member, tags)
  for tag in string.gmatch(tags, '%S+') do
    if not redis.call('ZSCORE', current.tags, '#' .. tag) then
      local from, to = with_tag(tag)
      if redis.call('ZLEXCOUNT', current.tags, from, to) < RARE then
        redis.call('ZADD', current.tags, 0, tag .. ' ' .. member)
      else
        redis.call('ZREMRANGEBYLEX', current.tags, from, to)
        redis.call('ZADD', current.tags, 0, '#' .. tag)
      end
      redis.call('PEXPIRE', current.tags, 3 * ttl)
    end
  end
end

local function drop(g, member, k)
  redis.call('ZREM', g.near, member)
  redis.call('HDEL', g.seen, member)
  for tag in string.gmatch(k and k.tags or '', '%S+') do
    redis.call('ZREM', g.tags, tag .. ' ' .. member)
  end
end

-- keep puts a member into the current generation, in place of what was known of it.
local function keep(member, square, k, before, g)
  if not current.known then
    redis.call('UNLINK', current.near, current.seen, current.tags)
    stamp('')
    current.known = true
  end
  local anew = g ~= current or before.tags ~= k.tags
  if anew and before then
    drop(g, member, before)
  end
  redis.call('ZADD', current.near, square, member)
  redis.call('HSET', current.seen, member, pack(k))
  if anew then
    post(member, k.tags)
    redis.call('PEXPIRE', current.near, 3 * ttl)
    redis.call('PEXPIRE', current.seen, 3 * ttl)
  end
end

-- xy returns the coordinates of a square's lower left corner: its number has the bits of x
-- and y by turns.
local function xy(square)
  local x, y, bit = 0, 0, 1
  while square > 0 do
    local both = square % 4
    square = (square - both) / 4
    x, y = x + both % 2 * bit, y + (both - both % 2) / 2 * bit
    bit = bit * 2
  end
  return x, y
end

-- rarest returns the wanted tag that the fewest members here have, and how many, unless no
-- wanted tag is rare.
local function rarest(wanted)
  local best, least
  for tag in string.gmatch(wanted, '%S+') do
    local count = 0
    local from, to = with_tag(tag)
    for _, g in ipairs(generations) do
      if redis.call('ZSCORE', g.tags, '#' .. tag) then
        count = math.huge
      else
        count = count + redis.call('ZLEXCOUNT', g.tags, from, to)
      end
    end
    if count < (least or math.huge) then
      best, least = tag, count
    end
  end
  return best, least or 0
end

-- nearest finds members within the radius who are fresh and have the wanted tags: at least
-- `want` of them with nobody nearer left out, if there are so many. Members with a rare tag
-- are read one by one. Else it reads boxes, the nearest box first, and splits those with many
-- entries into four. What it has read when it must stop is bounded, whatever is stored.
local function nearest(x, y, radius, wanted, want, self, rest)
  local found, read = {}, 0

  -- consider adds a member whose entry was read, if it fits. What is stale is dropped.
  local function consider(g, member, text, square, mx, my)
    local k = text and parse(text, g)
    read = read + 1
    if not k or k.heard <= now - ttl or k.at <= now - ttl then
      drop(g, member, k)
    elseif member ~= self and has(k.tags, wanted) then
      local d = (mx + 0.5 - x) ^ 2 + (my + 0.5 - y) ^ 2
      if d <= radius * radius then
        found[#found + 1] = { d = d, text = int(square) .. ' ' .. int(k.at) .. ' ' .. k.seq .. ' ' .. member }
      end
    end
  end

  -- certain counts the members found who are no further than the nearest box not read.
  local function certain(d)
    local count = 0
    for _, one in ipairs(found) do
      if one.d <= d then
        count = count + 1
      end
    end
    return count
  end

  local function finish(horizon, boxes)
    table.sort(found, function(a, b) return a.d < b.d end)
    local texts, left = {}, {}
    for i, one in ipairs(found) do
      texts[i] = one.text
    end
    for i, b in ipairs(boxes or {}) do
      left[i] = b.square .. ' ' .. b.side .. ' ' .. b.skip
    end
    return reply({ status = 'ok', found = texts, horizon = horizon and int(math.floor(math.sqrt(horizon))),
      rest = table.concat(left, ';') })
  end

  local tag, few = rarest(wanted)
  if tag then
    local from, to = with_tag(tag)
    for _, g in ipairs(few > 0 and generations or {}) do
      local members = redis.call('ZRANGEBYLEX', g.tags, from, to)
      if #members > 0 then
        for i, entry in ipairs(members) do
          members[i] = string.sub(entry, #tag + 2)
        end
        local squares = redis.call('ZMSCORE', g.near, unpack(members))
        local known = redis.call('HMGET', g.seen, unpack(members))
        for i, member in ipairs(members) do
          local square = tonumber(squares[i] or 0)
          consider(g, member, squares[i] and known[i], square, xy(square))
        end
      end
    end
    return finish()
  end

  local boxes, counted = {}, 0
  local function push(square, bx, by, side, skip)
    local dx, dy = math.max(bx - x, 0, x - bx - side), math.max(by - y, 0, y - by - side)
    local d = dx * dx + dy * dy
    if d <= radius * radius then
      boxes[#boxes + 1] = { square = square, x = bx, y = by, side = side, skip = skip, d = d }
    end
  end
  for square, side, skip in string.gmatch(rest == '' and '0 ' .. SIDE .. ' 0' or rest, '(%d+) (%d+) (%d+)') do
    local bx, by = xy(tonumber(square))
    push(tonumber(square), bx, by, tonumber(side), tonumber(skip))
  end

  while #generations > 0 and #boxes > 0 do
    local first = 1
    for i = 2, #boxes do
      if boxes[i].d < boxes[first].d then
        first = i
      end
    end
    local b = boxes[first]
    if #found >= want and certain(b.d) >= want then
      return finish(b.d)
    elseif read >= MOST_READ or counted >= MOST_BOXES then
      return finish(b.d, boxes)
    end
    boxes[first] = boxes[#boxes]
    boxes[#boxes] = nil

    local to, count = b.square + b.side * b.side - 1, 0
    for _, g in ipairs(generations) do
      g.count = redis.call('ZCOUNT', g.near, b.square, to)
      count = count + g.count
    end
    counted = counted + 1
    if count > LEAF and b.side > 1 then
      local half = b.side / 2
      local quarter = half * half
      push(b.square, b.x, b.y, half, 0)
      push(b.square + quarter, b.x + half, b.y, half, 0)
      push(b.square + 2 * quarter, b.x, b.y + half, half, 0)
      push(b.square + 3 * quarter, b.x + half, b.y + half, half, 0)
    else
      local more = false
      for _, g in ipairs(generations) do
        if g.count > b.skip then
          local entries = redis.call('ZRANGEBYSCORE', g.near, b.square, to, 'WITHSCORES', 'LIMIT', b.skip, PAGE)
          local members = {}
          for i = 1, #entries, 2 do
            members[#members + 1] = entries[i]
          end
          local known = #members > 0 and redis.call('HMGET', g.seen, unpack(members))
          for i, member in ipairs(members) do
            local square = tonumber(entries[2 * i])
            local mx, my = xy(square - b.square)
            consider(g, member, known[i], square, b.x + mx, b.y + my)
          end
          more = more or #members == PAGE
        end
      end
      if more then -- a crowd in one square: the next page overlaps, as entries may go meanwhile
        push(b.square, b.x, b.y, b.side, b.skip + PAGE - 8)
      end
    end
  end
  return finish()
end

-- A waiting request is in the queue under the squares that its circle touches, of a size at
-- which these are four at most, and under one tag that it wants: the one that was rarest when
-- it came. So a report finds it only if the member may fit. Entries of one square and one tag
-- are sorted by age. Another entry has the request's deadline.
local SMALLEST, LARGEST = 10, 15 -- the exponents of the squares' sides
local MOST_LOOKED = 192          -- requests that one run looks at, beside one last page
local MOST_WAITING = 16          -- requests that one run returns

local function place(level, tag, column, row)
  return level .. tag .. ' ' .. column .. '.' .. row .. ' '
end

-- entries returns a waiting request's entries in the queue.
local function entries(owner, q)
  local level = SMALLEST
  while 2 ^ level < 2 * q.radius and level < LARGEST do
    level = level + 1
  end
  local side = 2 ^ level
  local function squares(middle)
    return math.floor(math.max(0, middle - q.radius) / side), math.floor(math.min(SIDE - 1, middle + q.radius) / side)
  end
  local left, right = squares(q.x)
  local bottom, top = squares(q.y)
  local all = { 'due ' .. int(q.deadline) .. ' ' .. owner }
  for column = left, right do
    for row = bottom, top do
      all[#all + 1] = place(level, q.tag, column, row) .. int(q.created) .. ' ' .. owner
    end
  end
  return all
end

local function parse_request(text)
  local x, y, radius, created, deadline, tag, tags, request =
    string.match(text, '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S*)\n([^\n]*)\n(.*)$')
  return { x = tonumber(x), y = tonumber(y), radius = tonumber(radius), created = tonumber(created),
    deadline = tonumber(deadline), tag = tag, tags = tags, request = request }
end

local function waiting_request(owner)
  local text = redis.call('HGET', wait, owner)
  return text and parse_request(text)
end

local function forget(owner, q)
  redis.call('ZREM', queue, unpack(entries(owner, q)))
  redis.call('HDEL', wait, owner)
end

-- forget_expired takes some requests whose deadline has passed out of the cell.
local function forget_expired()
  for _, entry in ipairs(redis.call('ZRANGEBYLEX', queue, '[due ', '[due ' .. int(now), 'LIMIT', 0, 8)) do
    local owner = string.match(entry, '^due %d+ (.*)$')
    local q = waiting_request(owner)
    if q then
      forget(owner, q)
    end
    redis.call('ZREM', queue, entry)
  end
end

local function let_wait(owner, q)
  forget_expired()
  for _, entry in ipairs(entries(owner, q)) do
    redis.call('ZADD', queue, 0, entry)
  end
  local numbers = table.concat({ q.x, q.y, q.radius, int(q.created), int(q.deadline), q.tag }, ' ')
  redis.call('HSET', wait, owner, numbers .. '\n' .. q.tags .. '\n' .. q.request)
  local left = math.max(1, q.deadline - now, redis.call('PTTL', wait), redis.call('PTTL', queue))
  redis.call('PEXPIRE', wait, left)
  redis.call('PEXPIRE', queue, left)
end

-- waiting returns the oldest requests that wait here for someone like this member, each with
-- its owner. A member that was at the square `from` a moment ago was told then of those whose
-- circle it was in. The caller's geometry has the last word: a metre is allowed for. If it has
-- looked at enough, it returns also the rest: where to go on.
local function waiting(member, x, y, tags, from, rest)
  local fitting, looked = {}, 0
  if redis.call('ZCARD', queue) == 0 then
    return fitting
  end
  forget_expired()
  local fx, fy
  if from then
    fx, fy = xy(from)
  end
  local words = { '' }
  for tag in string.gmatch(tags, '%S+') do
    words[#words + 1] = tag
  end
  -- fits tells whether the member is in the request's circle, and was not well inside before.
  local function fits(q)
    return (q.x - x - 0.5) ^ 2 + (q.y - y - 0.5) ^ 2 <= q.radius ^ 2 and has(tags, q.tags) and
      not (fx and (q.x - fx - 0.5) ^ 2 + (q.y - fy - 0.5) ^ 2 <= math.max(0, q.radius - 10) ^ 2)
  end
  local level, word, after = string.match(rest, '^(%d+) (%d+) (.*)$')
  level, word = tonumber(level or SMALLEST), tonumber(word or 1)
  while level <= LARGEST do
    local here = place(level, words[word], math.floor(x / 2 ^ level), math.floor(y / 2 ^ level))
    local page = redis.call('ZRANGEBYLEX', queue, after and '(' .. after or '[' .. here,
      '(' .. string.sub(here, 1, -2) .. '!', 'LIMIT', 0, PAGE)
    if #page > 0 then
      local owners = {}
      for i, entry in ipairs(page) do
        owners[i] = string.match(string.sub(entry, #here + 1), '^%d+ (.*)$')
      end
      for i, text in ipairs(redis.call('HMGET', wait, unpack(owners))) do
        local q = text and parse_request(text)
        if q and owners[i] ~= member and now < q.deadline and fits(q) then
          fitting[#fitting + 1] = { created = q.created, owner = owners[i], request = q.request }
        end
      end
      looked = looked + #page
    end
    after = #page == PAGE and page[PAGE] or nil
    if not after then
      word = word + 1
      if word > #words then
        level, word = level + 1, 1
      end
    elseif looked >= MOST_LOOKED then
      rest = level .. ' ' .. word .. ' ' .. after
      break
    end
    if level > LARGEST then
      rest = ''
    end
  end
  table.sort(fitting, function(a, b)
    return a.created < b.created or (a.created == b.created and a.owner < b.owner)
  end)
  for i = MOST_WAITING + 1, #fitting do
    fitting[i] = nil
  end
  return fitting, rest
end
