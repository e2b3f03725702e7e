-- shown forgets the positions that skip kept: a push has shown them all, if `last` is the last one.
-- Status: ok, other (another one has come).
local last = arguments(1)

if redis.call('LINDEX', trail, -1) ~= last then
  return reply({ status = 'other' })
end
redis.call('DEL', trail)
m.skipped = nil
return reply({ status = 'ok' })
