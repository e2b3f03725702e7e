-- search finds members listed in this cell who fit. Where it does not say
-- `horizon` these are all. Else all up to that distance are among them. `rest` is what it has
-- not read: a search that is given it goes on from there.
-- Status: ok.
local x, y, radius, tags, want, self, rest = arguments(7)

read_generations()
return nearest(tonumber(x), tonumber(y), tonumber(radius), tags, tonumber(want), self, rest)
