package topology

// CacheAccess is what the user of the cache may do, as an ACL of Valkey's: connect,
// find the nodes of a cluster, run scripts, and in them what those do with our keys.
const CacheAccess = "on ~w*:* -@all +auth +hello +ping +client +readonly +asking +cluster|slots +cluster|shards +cluster|nodes +command +info " +
	"+eval +evalsha +script|load " +
	"+del +geoadd +geosearch +hdel +hget +hgetall +hmget +hset +pexpire +pttl +time +zrem"
