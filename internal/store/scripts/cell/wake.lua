-- wake goes on where list had looked at enough requests.
-- Status: ok (`waiting`, and `rest` if there may be more).
local member, square, tags, rest = arguments(4)

local fitting, more = waiting(member, tonumber(square), tags, nil, nil, rest)
return reply({ status = 'ok', waiting = fitting, rest = more })
