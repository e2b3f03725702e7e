-- mark notes that a shard cell has members. Entries live for two spans at most.
-- Status: ok.
local cell = arguments(1)

redis.call('HSET', occupied, cell, int(now + 3 * ttl))
redis.call('PEXPIRE', occupied, 3 * ttl)
return reply({ status = 'ok' })
