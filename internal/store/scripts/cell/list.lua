-- list puts a member into this cell. Where it is not `anew`, it was listed here before, and a
-- report has moved it. With listed come the requests that wait for it (`rest` as wake takes
-- it), and `mark` says that the area does not know yet that this cell has members.
-- Status: listed, older (than what is here), absent (from where a report was to move it).
local member, square, at, seq, heard, session, epoch, tags, anew = arguments(9)

local k = { heard = tonumber(heard), at = tonumber(at), seq = seq, session = tonumber(session),
  epoch = tonumber(epoch), tags = tags }
local before, g = listing(member)
-- The first report in each span of ASK_AGAIN gets all that waits for its member: the process
-- that got it before may have stopped.
local asked = false -- in this span
if before then
  local ahead = k.session < before.session and -1 or k.at - before.at
  if ahead == 0 then
    ahead = tonumber(seq) - tonumber(before.seq)
  end
  if before.epoch > k.epoch or (before.epoch == k.epoch and ahead < 0) then
    return reply({ status = 'older' })
  end
  asked = before.epoch == k.epoch and ahead > 0 and
    math.floor(now / ASK_AGAIN) == math.floor(before.heard / ASK_AGAIN)
elseif anew ~= '1' then
  return reply({ status = 'absent' })
end
local fitting, rest
if redis.call('ZCARD', queue) > 0 then
  local from = asked and redis.call('ZSCORE', g.near, member)
  fitting, rest = waiting(member, tonumber(square), tags, from, before and before.heard or 0, '')
end
keep(member, square, k, before, g)
return reply({ status = 'listed', waiting = fitting, rest = rest, mark = not current.marked })
