-- search finds the nearest fitting members listed in this cell: `found`, and `more` if
-- there may be others beyond the last.
-- Status: ok.
local lat, lng, radius, tags, want, self = arguments(6)

return nearest(lat, lng, tonumber(radius), tags, tonumber(want), self)
