-- search finds the nearest fitting members listed in this cell.
-- Returns '1' or '0' (there may be more, or not), then member, lat, lng, at, seq.
local lat, lng, radius, tags, want, self = ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6], tonumber(ARGV[7]), ARGV[8]

return nearest(lat, lng, radius, tags, want, self)
