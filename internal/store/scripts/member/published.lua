-- published takes the events out of the outbox that were published: those up to `last`, '' if none
-- were. It also notes that those of the matcher `of` were. The reply has the events that are left.
-- Status: ok.
local last, of = arguments(2)

if outbox and last ~= '' then
  for i, event in ipairs(redis.call('LRANGE', outbox, 0, -1)) do
    if event == last then
      redis.call('LTRIM', outbox, i, -1)
      break
    end
  end
end
m.outbox = '1' -- perhaps the record was lost, and the outbox was not
if m.eventsOf == of then
  m.eventsOf = nil
end
return reply({ status = 'ok' })
