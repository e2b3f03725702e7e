-- Prelude of the scripts in area/, after common.lua: they run on the slot of an area, which
-- is a coarse cell. keys[1] is a hash of its shard cells that have members. Each has "till.boxes":
-- until when it may have them, and a digit for each of 16 boxes of its plane. It is 3 if the box was
-- marked in the newest span of the location TTL in which any was, 2 in the span before, and so on; with
-- 0 it has no members. A cell without boxes was marked by an older version: any may have members.
local occupied

local function start(...)
  start_run(...)
  occupied = keys[1]
end
