package topology

// CacheAccess is what the user of the cache may do, as an ACL of Valkey's: connect,
// find the nodes of a cluster (asking is for slots that move), run scripts, and in them what those do with our keys.
const CacheAccess = "on ~w*:* -@all +auth +hello +ping +cluster|shards +cluster|slots +asking " +
	"+eval +evalsha " +
	"+del +geoadd +geosearch +hdel +hget +hgetall +hmget +hset +pexpire +pttl +time +zrem"
