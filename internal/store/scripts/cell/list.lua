-- list puts a member into this cell. Where it is not `anew`, it was listed here before, and a
-- report has moved it. With listed come the requests that wait for it, `rest` if wake may find
-- more of them, and `mark`, the start of the span, if the area does not know yet that the member's box
-- has members.
-- Status: listed, older (than what is here), absent (from where a report was to move it).
local member, square, at, seq, heard, session, epoch, tags, anew = arguments(9)
square = tonumber(square)

local k = { heard = tonumber(heard), at = tonumber(at), seq = seq, session = tonumber(session),
  epoch = tonumber(epoch), tags = tags }
local before, g = listing(member)
-- The first report in each span of ASK_AGAIN gets again what waits for its member: the process
-- that got it before may have stopped. Else a member looks only at what has come since, as long
-- as it has not moved to where something else may fit.
local asked, view_before = false, false -- in this span
if before then
  local ahead = k.session < before.session and -1 or k.at - before.at
  if ahead == 0 then
    ahead = tonumber(seq) - tonumber(before.seq)
  end
  if before.epoch > k.epoch or (before.epoch == k.epoch and ahead < 0) then
    return reply({ status = 'older' })
  end
  if before.epoch == k.epoch and ahead > 0 then
    asked = math.floor(now / ASK_AGAIN) == math.floor(before.heard / ASK_AGAIN)
    view_before = parse_view(before.view)
  end
elseif anew ~= '1' then
  return reply({ status = 'absent' })
end
local fitting, rest
if redis.call('ZCARD', queue) > 0 then
  local view, from = view_before, '-'
  local complete = not view or view.level > LARGEST
  if asked and complete then
    from = redis.call('ZSCORE', g.near, member)
  end
  if not view or not near(view, square) or (view.fits == '1' and not asked) then
    view = new_view(square)
  elseif complete then
    view_on(view)
  end
  fitting, rest = waiting(member, square, tags, view, from, int(before and before.heard or 0))
  k.view = pack_view(view)
end
keep(member, square, k, before, g)
local box = math.floor(square / BOX) + 1
return reply({ status = 'listed', waiting = fitting, rest = rest,
  mark = string.sub(current.marked, box, box) ~= '1' and int(current.start) or nil })
