package topology

// CacheAccess is what the user of the cache may do, as an ACL of Valkey: connect, find the
// nodes of a cluster (asking is for slots that move), run scripts, and use in them the commands
// that the scripts use, on our keys alone.
const CacheAccess = "on ~w*:* -@all +auth +hello +ping +cluster|shards +cluster|slots +asking " +
	"+eval +fcall +function|load " +
	"+del +geosearch +hdel +hget +hgetall +hmget +hset +lindex +lrange +lrem +ltrim +pexpire +pttl +rpush +time +unlink +zadd " +
	"+zcard +zcount +zlexcount +zmscore +zrange +zrangebylex +zrangebyscore +zrem +zremrangebylex +zscore"
