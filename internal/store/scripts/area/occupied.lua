-- occupied returns the shard cells of the area that may have members, each with its boxes, as one text:
-- a run that looked at each of them would take much longer.
-- Status: ok.
arguments(0)

return reply({ status = 'ok', cells = table.concat(redis.call('HGETALL', occupied), ' ') })
