-- Prelude of the scripts in area/, after common.lua: they run on the slot of an area, which
-- is a coarse cell. KEYS[1] is a hash of its shard cells that have members, each with how
-- long it may have them.
local occupied = KEYS[1]
