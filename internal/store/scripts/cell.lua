-- Prelude of the scripts in cell/, after common.lua: they run on a shard cell's slot.
-- Positions are squares of the cell's plane (see internal/geo), coordinates are in its units
-- and distances in metres.
--
-- Listed members are in two generations: those heard in this span of one location TTL, and
-- those heard in the span before. A report takes its member into the current generation.
-- A generation is dropped as a whole, so what a member leaves behind costs no sweeping.
-- keys[1..3] and keys[4..6] are the generations: near (a sorted set by square), seen (a hash
-- of what is known of each member) and tags (the index of rare tags). keys[7] and keys[8] are
-- the requests that wait here, by owner, and the queue that finds them.
local wait, queue
local current, last -- the generations
local generations   -- those of them that have members
local span_left     -- until nobody of the current one is fresh

local BITS = 15        -- the plane has 2^15 squares either way
local SIDE = 2 ^ BITS
local WIDE, HIGH = 0.5966643691, 0.2819276561 -- a square's sides
local FIRST = 3 * 2 ^ 50 -- the score of the first square, as a geohash of 52 bits
local MOST_READ = 256  -- a circle has no more entries, and a run begins none after so many
local MOST_BOXES = 160 -- boxes that one search counts
local LEAF = 12        -- a box with more entries is split
local PAGE = 32
local BOX = 2 ^ 26     -- squares of each of the 16 boxes that the plane is cut into for its area
local RARE = 128      -- a tag of more members is not rare: looking around finds one soon

local function generation(start)
  local first = start / ttl % 2 * 3
  return { near = keys[first + 1], seen = keys[first + 2], tags = keys[first + 3], start = start, marked = '' }
end

local function start(...)
  start_run(...)
  wait, queue = keys[7], keys[8]
  current = generation(now - now % ttl)
  last = generation(current.start - ttl)
  span_left = current.start + 2 * ttl - now
  generations = {}
end

-- read_generation reads what is known of a member, or nil. The field of no member says of which
-- span the keys are, and after a colon which boxes are marked in the area: '1' for each that is.
local function read_generation(g, member)
  local stamp, text = unpack(redis.call('HMGET', g.seen, '', member))
  if stamp then
    local begun, marked = string.match(stamp, '^(%d+):?(.*)$')
    g.known = tonumber(begun) == g.start
    g.marked = g.known and marked or ''
  end
  return g.known and text
end

-- read_generations finds the generations that have members, for a search.
local function read_generations()
  for _, g in ipairs({ current, last }) do
    read_generation(g, '')
    if g.known then
      generations[#generations + 1] = g
    end
  end
end

local function stamp(marked)
  redis.call('HSET', current.seen, '', int(current.start) .. ':' .. marked)
end

-- pack and parse write and read what is known of a listed member. Times are written as
-- differences, for the memory's sake.
local function pack(k, g)
  return string.format('%d %d %s %d %d %s%s', k.heard - g.start, k.heard - k.at, k.seq, k.session - g.start,
    k.epoch - k.session, k.tags, k.view or '')
end

local function parse(text, g)
  local heard, at, seq, session, epoch, tags, view = string.match(text,
    '^(%S+) (%S+) (%S+) (%S+) (%S+) ([^\n]*)(.*)$')
  heard, session = g.start + heard, g.start + session
  return { heard = heard, at = heard - at, seq = seq, session = session, epoch = session + epoch, tags = tags,
    view = view }
end

-- listing returns what is known of a member, and its generation, or nil. The older generation is
-- read only if the current one does not have the member.
local function listing(member)
  local g = current
  local text = read_generation(g, member)
  if not text then
    g = last
    text = read_generation(g, member)
  end
  if text then
    return parse(text, g), g
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
      redis.call('PEXPIRE', current.tags, span_left)
    end
  end
end

-- drop takes members, with the tags of each, out of a generation.
local function drop(g, members, tags)
  redis.call('ZREM', g.near, unpack(members))
  redis.call('HDEL', g.seen, unpack(members))
  local posted = {}
  for i, member in ipairs(members) do
    for tag in string.gmatch(tags[i], '%S+') do
      posted[#posted + 1] = tag .. ' ' .. member
    end
  end
  if #posted > 0 then
    redis.call('ZREM', g.tags, unpack(posted))
  end
end

-- keep puts a member into the current generation, in place of what was known of it.
local function keep(member, square, k, before, g)
  if not current.known then
    -- One by one: while the slot moves to another node, that one refuses a command whose keys
    -- do not all exist.
    for _, key in ipairs({ current.near, current.seen, current.tags }) do
      redis.call('UNLINK', key)
    end
    stamp('')
    current.known = true
  end
  local anew = g ~= current or before.tags ~= k.tags
  if anew and before then
    drop(g, { member }, { before.tags })
  end
  redis.call('ZADD', current.near, FIRST + square, member)
  redis.call('HSET', current.seen, member, pack(k, current))
  if anew then
    post(member, k.tags)
    redis.call('PEXPIRE', current.near, span_left)
    redis.call('PEXPIRE', current.seen, span_left)
  end
end

-- xy returns the coordinates of a square's lower left corner: its number has the bits of y
-- and x by turns.
local function xy(square)
  local x, y, bit = 0, 0, 1
  while square > 0 do
    local both = square % 4
    square = (square - both) / 4
    x, y = x + (both >= 2 and bit or 0), y + both % 2 * bit
    bit = bit * 2
  end
  return x, y
end

-- spread puts a zero bit before each bit of a number.
local SPREAD = { [0] = 0, 1, 4, 5, 16, 17, 20, 21, 64, 65, 68, 69, 80, 81, 84, 85 }
local function spread(n)
  local bits, place = 0, 1
  while n > 0 do
    local low = n % 16
    bits, n, place = bits + SPREAD[low] * place, (n - low) / 16, place * 256
  end
  return bits
end

-- distance2 is the square of the distance between two places on the plane.
local function distance2(x, y, x2, y2)
  local dx, dy = (x2 - x) * WIDE, (y2 - y) * HIGH
  return dx * dx + dy * dy
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
  return best, least
end

-- tags_in returns the tags in what is known of a member. Most searches do not ask for them.
local function tags_in(text)
  return string.match(text, '^%S+ %S+ %S+ %S+ %S+ ([^\n]*)')
end

-- A finder collects the members found who are fresh and have the wanted tags, and counts the
-- entries read. What is stale is dropped by sweep.
local function new_finder(radius, wanted, self)
  local f = { found = {}, distances = {}, read = 0 }
  local stale, tags_of = {}, {}

  function f.consider(g, member, text, square, d)
    f.read = f.read + 1
    local heard, at, seq = string.match(text or '', '^(%S+) (%S+) (%S+)')
    heard = heard and g.start + heard
    at = heard and heard - at
    if not heard or heard <= now - ttl or at <= now - ttl then
      stale[#stale + 1], tags_of[#tags_of + 1] = member, heard and tags_in(text) or ''
    elseif member ~= self and d <= radius and (wanted == '' or has(tags_in(text), wanted)) then
      local n = #f.found + 1
      f.found[n], f.distances[n] = string.format('%d %d %s %s', square, at, seq, member), d
    end
  end

  -- sweep drops those considered in a generation who are stale, and returns how many.
  function f.sweep(g)
    local swept = #stale
    if swept > 0 then
      drop(g, stale, tags_of)
      stale, tags_of = {}, {}
    end
    return swept
  end

  -- enough tells whether half of `want` are found up to a distance: nobody nearer is missing.
  -- Distances that differ by a metre are equal, so of a crowd at one place a few are enough.
  -- The caller allows for a little more, as its own distances differ by some centimetres.
  function f.enough(d, want)
    local count = 0
    for _, one in ipairs(f.distances) do
      if one <= d + 0.15 then
        count = count + 1
        if count * 2 >= want then
          return true
        end
      end
    end
    return false
  end

  -- reply says who was found, up to which distance these are all, and which boxes are left.
  function f.reply(horizon, boxes)
    local left = {}
    for i, b in ipairs(boxes or {}) do
      left[i] = b.square .. ' ' .. b.bits .. ' ' .. b.skip
    end
    return reply({ status = 'ok', found = f.found, horizon = horizon and string.format('%.2f', horizon),
      rest = table.concat(left, ';') })
  end
  return f
end

-- with_rare_tag reads the members with a rare tag one by one.
local function with_rare_tag(f, tag, x, y)
  local from, to = with_tag(tag)
  for _, g in ipairs(generations) do
    local members = redis.call('ZRANGEBYLEX', g.tags, from, to)
    if #members > 0 then
      for i, entry in ipairs(members) do
        members[i] = string.sub(entry, #tag + 2)
      end
      local scores = redis.call('ZMSCORE', g.near, unpack(members))
      local known = redis.call('HMGET', g.seen, unpack(members))
      for i, member in ipairs(members) do
        local square = tonumber(scores[i] or FIRST) - FIRST
        local mx, my = xy(square)
        f.consider(g, member, scores[i] and known[i], square, math.sqrt(distance2(x, y, mx + 0.5, my + 0.5)))
      end
      f.sweep(g)
    end
  end
end

-- distance_of_box is the distance of a place from a box of 2^bits squares either way, given by
-- its lower left corner. It is 0 inside.
local function distance_of_box(x, y, left, bottom, bits)
  local side = 2 ^ bits
  local nearest_x, nearest_y = math.max(left, math.min(x, left + side)), math.max(bottom, math.min(y, bottom + side))
  return math.sqrt(distance2(x, y, nearest_x, nearest_y))
end

-- count counts the members in the boxes of 2^bits squares either way that reach from one
-- place to another.
local function count(left, bottom, right, top, bits)
  local n, side, size, last_box = 0, 2 ^ bits, 4 ^ bits, 2 ^ (BITS - bits) - 1
  local boxes = {}
  for column = math.max(0, math.floor(left / side)), math.min(last_box, math.floor(right / side)) do
    local bits_of_column = 2 * spread(column)
    for row = math.max(0, math.floor(bottom / side)), math.min(last_box, math.floor(top / side)) do
      boxes[#boxes + 1] = bits_of_column + spread(row)
    end
  end
  -- Boxes whose numbers follow each other are one range.
  table.sort(boxes)
  local first
  for i, box in ipairs(boxes) do
    first = first or box
    if boxes[i + 1] ~= box + 1 then
      local from, to = FIRST + first * size, FIRST + (box + 1) * size - 1
      for _, g in ipairs(generations) do
        n = n + redis.call('ZCOUNT', g.near, from, to)
      end
      first = nil
    end
  end
  return n
end

-- look reads a circle around a place that has about as many members as are wanted. It
-- returns the distance up to which all were read, infinite if that is the whole radius, or nil
-- if there is no such circle. The cache looks at all boxes that the circle touches, each about
-- as high as the radius, so their members are counted first.
local function look(f, x, y, radius, want)
  local total, bits = 0, math.huge -- so large a box is not counted: the cell has few members
  for _, g in ipairs(generations) do
    total = total + redis.call('ZCARD', g.near)
  end
  if total > MOST_READ then
    if distance_of_box(x, y, 0, 0, BITS) > 0 then -- a place outside of the plane
      return nil
    end
    -- A box has about eight, if all are spread evenly over the shard cell; else try others.
    bits = math.max(0, math.floor(math.log(8 * 36e6 / (total * WIDE * HIGH)) / math.log(4) + 0.5))
    for _ = 1, 3 do
      local n = count(x, y, x, y, bits)
      if n > 24 then
        bits = math.max(0, bits - (n > 96 and 2 or 1))
      elseif n < 3 then
        bits = bits + 1
      else
        break
      end
    end
  end
  local dense -- the bits of boxes with too many
  while bits >= 0 and bits ~= dense and f.read < MOST_READ do
    local reach = math.min(radius, 0.99 * HIGH * 2 ^ bits)
    local dx, dy = reach / WIDE, reach / HIGH
    if count(x - dx, y - dy, x + dx, y + dy, bits) > MOST_READ then
      dense, bits = bits, bits - 1
    else
      local horizon
      for _, most in ipairs({ math.min(want + 1, MOST_READ), MOST_READ }) do
        f.found, f.distances, horizon = {}, {}, reach
        for _, g in ipairs(generations) do
          -- Beyond the horizon of one generation nobody of the other is wanted.
          local hits = redis.call('GEOSEARCH', g.near, 'FROMLONLAT', x * 360 / 2 ^ 26, y * 170.10225756 / 2 ^ 26,
            'BYRADIUS', math.min(reach, horizon + 0.15), 'm', 'ASC', 'COUNT', most, 'WITHDIST', 'WITHHASH')
          local members = {}
          for i, hit in ipairs(hits) do
            members[i] = hit[1]
          end
          local known = #members > 0 and redis.call('HMGET', g.seen, unpack(members))
          for i, hit in ipairs(hits) do
            f.consider(g, hit[1], known[i], hit[3] - FIRST, tonumber(hit[2]))
          end
          f.sweep(g)
          if #hits == most then
            horizon = math.min(horizon, tonumber(hits[most][2]))
          end
        end
        if f.enough(horizon, want) or horizon == reach then
          break
        end
      end
      if horizon == radius then
        return math.huge
      elseif f.enough(horizon, want) then
        return horizon
      end
      bits = bits + 1
    end
  end
end

-- walk reads boxes, the nearest first, and splits those with many entries into four. It goes
-- on from what an earlier run left. What it has read when it must stop is bounded.
local function walk(f, x, y, radius, want, rest)
  local boxes, counted = {}, 0
  local function push(square, bx, by, bits, skip)
    local d = distance_of_box(x, y, bx, by, bits)
    if d <= radius then
      boxes[#boxes + 1] = { square = square, x = bx, y = by, bits = bits, skip = skip, d = d }
    end
  end
  for square, bits, skip in string.gmatch(rest == '' and '0 ' .. BITS .. ' 0' or rest, '(%d+) (%d+) (%d+)') do
    local bx, by = xy(tonumber(square))
    push(tonumber(square), bx, by, tonumber(bits), tonumber(skip))
  end

  while #boxes > 0 do
    local first = 1
    for i = 2, #boxes do
      if boxes[i].d < boxes[first].d then
        first = i
      end
    end
    local b = boxes[first]
    if (#f.found >= want and f.enough(b.d, want)) or f.read >= MOST_READ or counted >= MOST_BOXES then
      return f.reply(b.d, boxes)
    end
    boxes[first] = boxes[#boxes]
    boxes[#boxes] = nil

    local from, entries = FIRST + b.square, 0
    local to = from + 4 ^ b.bits - 1
    for _, g in ipairs(generations) do
      g.count = redis.call('ZCOUNT', g.near, from, to)
      entries = entries + g.count
    end
    counted = counted + 1
    if entries > LEAF and b.bits > 0 then
      local half, quarter = 2 ^ (b.bits - 1), 4 ^ (b.bits - 1)
      push(b.square, b.x, b.y, b.bits - 1, 0)
      push(b.square + quarter, b.x, b.y + half, b.bits - 1, 0)
      push(b.square + 2 * quarter, b.x + half, b.y, b.bits - 1, 0)
      push(b.square + 3 * quarter, b.x + half, b.y + half, b.bits - 1, 0)
    else
      local more, gone = 0, 0
      for _, g in ipairs(generations) do
        if g.count > b.skip then
          local page
          if b.skip == 0 then
            page = redis.call('ZRANGEBYSCORE', g.near, from, to, 'WITHSCORES', 'LIMIT', 0, PAGE)
          else -- by rank, since the cache reads all that a LIMIT skips
            local rank = redis.call('ZCOUNT', g.near, '-inf', '(' .. int(from)) + b.skip
            page = redis.call('ZRANGE', g.near, rank, rank + math.min(PAGE, g.count - b.skip) - 1, 'WITHSCORES')
          end
          local members = {}
          for i = 1, #page, 2 do
            members[#members + 1] = page[i]
          end
          local known = redis.call('HMGET', g.seen, unpack(members))
          for i, member in ipairs(members) do
            local square = tonumber(page[2 * i]) - FIRST
            local mx, my = xy(square - b.square)
            f.consider(g, member, known[i], square, math.sqrt(distance2(x, y, b.x + mx + 0.5, b.y + my + 0.5)))
          end
          more = math.max(more, g.count - b.skip - PAGE)
        end
        gone = math.max(gone, f.sweep(g))
      end
      if more > 0 then -- a crowd in one square: the next page overlaps, as entries may go meanwhile
        push(b.square, b.x, b.y, b.bits, math.max(0, b.skip + PAGE - 8 - gone))
      end
    end
  end
  return f.reply()
end

-- nearest finds about `want` members within the radius who are fresh and have the wanted tags.
-- At least half of `want` are those with nobody nearer left out, if there are so many. What one
-- run reads is bounded, whatever is stored.
local function nearest(x, y, radius, wanted, want, self, rest)
  local f = new_finder(radius, wanted, self)
  if rest == '' then
    local tag, few = rarest(wanted)
    if tag then
      if few > 0 then
        with_rare_tag(f, tag, x, y)
      end
      return f.reply()
    end
    local horizon = look(f, x, y, radius, want)
    if horizon then
      return f.reply(horizon < math.huge and horizon or nil)
    end
    f.found, f.distances = {}, {}
  end
  return walk(f, x, y, radius, want, rest)
end

-- A waiting request is in the queue under the squares that its circle touches or misses by less
-- than REACH, of a size at which these are four at most, and under one tag that it wants: the one
-- that was rarest when it came. So a report finds it only if the member may fit. Entries of one
-- square and one tag are in the order in which they came here. Two more entries have the request's
-- deadline, and when it came.
local SMALLEST, LARGEST = 10, BITS -- the exponents of the squares' sides: 289 m and more
local REACH = 50                 -- metres
local MOST_LOOKED = 128          -- requests that one run looks at, beside one last page
local MOST_WAITING = 16          -- requests that one run returns

local function place(level, tag, column, row)
  return level .. tag .. ' ' .. column .. '.' .. row .. ' '
end

-- entries returns a waiting request's entries in the queue.
local function entries(owner, q)
  local level, radius = SMALLEST, q.radius + REACH
  while 2 ^ level * HIGH < 2 * radius and level < LARGEST do
    level = level + 1
  end
  local side = 2 ^ level
  local function squares(middle, reach)
    return math.floor(math.max(0, middle - reach) / side), math.floor(math.min(SIDE - 1, middle + reach) / side)
  end
  local left, right = squares(q.x, radius / WIDE)
  local bottom, top = squares(q.y, radius / HIGH)
  local all = { 'due ' .. int(q.deadline) .. ' ' .. owner, 'came ' .. int(q.came) .. ' ' .. owner }
  for column = left, right do
    for row = bottom, top do
      all[#all + 1] = place(level, q.tag, column, row) .. int(q.came) .. ' ' .. owner
    end
  end
  return all
end

-- A request that widens waits under the widest circle from the start: `radius` is that one's.
local function parse_request(text)
  local x, y, radius, created, deadline, came, tag, widening, tags, request =
    string.match(text, '^(%S+) (%S+) (%S+) (%S+) (%S+) (%S+) (%S*) ?([^\n]*)\n([^\n]*)\n(.*)$')
  return { x = tonumber(x), y = tonumber(y), radius = tonumber(radius), created = tonumber(created),
    deadline = tonumber(deadline), came = tonumber(came), tag = tag, widening = widening, tags = tags,
    request = request }
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
  for _, entry in ipairs(redis.call('ZRANGEBYLEX', queue, '[due ', '(due ' .. int(now) .. '!', 'LIMIT', 0, 8)) do
    local owner = string.match(entry, '^due %d+ (.*)$')
    local q = waiting_request(owner)
    if q and q.deadline <= now then -- and not a newer one
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
  local times = int(q.created) .. ' ' .. int(q.deadline) .. ' ' .. int(q.came)
  local numbers = table.concat({ q.x, q.y, q.radius, times, q.tag, q.widening }, ' ')
  redis.call('HSET', wait, owner, numbers .. '\n' .. q.tags .. '\n' .. q.request)
  local left = math.max(1, q.deadline - now, redis.call('PTTL', wait), redis.call('PTTL', queue))
  redis.call('PEXPIRE', wait, left)
  redis.call('PEXPIRE', queue, left)
end

-- A member's view is how far it has looked at the requests that wait here. It began at a square, and
-- within `clear` metres of there none of those looked at begins to fit the member, or ceases to. `level`,
-- `word` and `after` are where to go on with those that had come by the moment `begun`; this is after
-- LARGEST once it has looked at them all. Those that came before the moment `since` need no looking
-- at. `fits` is '1' if any fitted.
local function parse_view(text)
  local square, clear, since, begun, fits, level, word, after =
    string.match(text, '^\n(%d+) (%d+) (%d+) (%d+) (%d) (%d+) (%d+) (.*)$')
  return square and { square = tonumber(square), clear = tonumber(clear), since = since, begun = begun, fits = fits,
    level = tonumber(level), word = tonumber(word), after = after }
end

local function pack_view(view)
  return string.format('\n%d %d %s %s %s %d %d %s', view.square, math.floor(view.clear), view.since, view.begun,
    view.fits, view.level, view.word, view.after)
end

-- view_on begins to look at what has come since the view began, if anything has.
local function view_on(view)
  local since = int(view.begun - 100) -- the clock of another node may be behind
  local newest = redis.call('ZRANGEBYLEX', queue, '[came ' .. since, '(came!', 'LIMIT', 0, 1)
  if #newest > 0 then
    view.since, view.begun = since, int(now)
    view.level, view.word, view.after = SMALLEST, 1, ''
  end
end

local function new_view(square)
  return { square = square, clear = REACH, since = '0', begun = int(now), fits = '0',
    level = SMALLEST, word = 1, after = '' }
end

-- near tells whether a member at this square is still where the view holds.
local function near(view, square)
  local x, y = xy(view.square)
  local x2, y2 = xy(square)
  return distance2(x, y, x2, y2) < math.max(0, view.clear - 3) ^ 2
end

-- waiting goes on with a view, and returns the first requests found for someone like this member,
-- each with its owner. A member that had the score `from` at the moment `told` was told then of those
-- whose circle it was in. The caller's geometry has the last word: a metre is allowed for. If there
-- may be more, it returns also `from` and `told`.
local function waiting(member, square, tags, view, from, told)
  local fitting, looked = {}, 0
  local x, y = xy(square)
  local lx, ly = xy(view.square)
  forget_expired()
  local fx, fy
  if from ~= '-' then
    fx, fy = xy(from - FIRST)
  end
  local words = { '' }
  for tag in string.gmatch(tags, '%S+') do
    words[#words + 1] = tag
  end
  -- request_at returns the request if the member is in its circle. Few are, so the rest of the request
  -- is not read for the others.
  local function request_at(text)
    local qx, qy, widest = string.match(text, '^(%S+) (%S+) (%S+)')
    local d2 = distance2(qx, qy, x + 0.5, y + 0.5)
    local q = d2 <= widest ^ 2 and parse_request(text)
    local r = q and circle(q, now) or widest
    -- One that widens may reach the member at any time.
    local edge = q and d2 > r ^ 2 and 0 or math.abs(math.sqrt(distance2(qx, qy, lx + 0.5, ly + 0.5)) - r)
    view.clear = math.min(view.clear, edge)
    return q and d2 <= r ^ 2 and q
  end
  while view.level <= LARGEST and looked < MOST_LOOKED do
    local side = 2 ^ view.level
    local here = place(view.level, words[view.word], math.floor(lx / side), math.floor(ly / side))
    local page = redis.call('ZRANGEBYLEX', queue, view.after == '' and '[' .. here .. view.since or
      '(' .. view.after, '(' .. string.sub(here, 1, -2) .. '!', 'LIMIT', 0, PAGE)
    if #page > 0 then
      local owners = {}
      for i, entry in ipairs(page) do
        owners[i] = string.match(string.sub(entry, #here + 1), '^%d+ (.*)$')
      end
      for i, text in ipairs(redis.call('HMGET', wait, unpack(owners))) do
        local q = text and request_at(text)
        if q and owners[i] ~= member and now < q.deadline and has(tags, q.tags) then
          view.fits = '1'
          -- It was told of those that it was well inside before.
          if not (fx and distance2(q.x, q.y, fx + 0.5, fy + 0.5) <= math.max(0, circle(q, told) - 3) ^ 2) then
            fitting[#fitting + 1] = { created = q.created, owner = owners[i], request = q.request }
          end
        end
      end
      looked = looked + #page
    end
    view.after = page[PAGE] or ''
    if view.after == '' then
      view.word = view.word + 1
      if view.word > #words then
        view.level, view.word = view.level + 1, 1
      end
    end
  end
  table.sort(fitting, function(a, b)
    return a.created < b.created or (a.created == b.created and a.owner < b.owner)
  end)
  for i = MOST_WAITING + 1, #fitting do
    fitting[i] = nil
  end
  return fitting, view.level <= LARGEST and from .. ' ' .. told or ''
end
