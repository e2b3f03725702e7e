-- published takes events out of the outbox that were published, with line ends between. It also notes
-- that those of the matcher `of` were. The reply has what else is to be published, and all of it if
-- nothing was.
-- Status: ok.
local events, of = arguments(2)

if outbox then
  for event in string.gmatch(events, '[^\n]+') do
    redis.call('LREM', outbox, 1, event)
  end
end
publish_all(events == '')
m.outbox = '1' -- perhaps the record was lost, and the outbox was not
if m.eventsOf == of then
  m.eventsOf, m.eventsAt = nil, nil
end
return reply({ status = 'ok' })
