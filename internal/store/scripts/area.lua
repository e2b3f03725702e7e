-- Prelude of the scripts in area/, after common.lua: they run on the slot of an area, which
-- is a coarse cell. keys[1] is a hash of its shard cells that have members, each with how
-- long it may have them.
local occupied

local function start(...)
  start_run(...)
  occupied = keys[1]
end
