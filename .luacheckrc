-- The scripts run inside Valkey. The store puts preludes in front of them, so a script
-- sees the locals at the top of each prelude.
local preludes = {
  "internal/store/scripts/common.lua",
  "internal/store/scripts/member.lua",
  "internal/store/scripts/cell.lua",
  "internal/store/scripts/area.lua",
}

std = "lua51"
globals = { "m" } -- the record: what a script assigns to it is stored
max_line_length = 120
-- The last ones are the lifetimes, which the store puts in front: see internal/store/script.go.
read_globals = { "redis", "cjson", "LEASE", "KEEP", "REMEMBER_END", "REMEMBER_OUTCOME", "MAX_AHEAD", "ASK_AGAIN", "NOTIFY_AGAIN",
  "CHECK_MATCH", "EARLY",
  "SEARCH_AGAIN", "WIDEN_STEPS", "COUNT_KEPT", "KEEP_CHOICE", "ADVISED", "CLOCK_OFF", "REFUSALS_IN", "KEEP_OUT", "REFUSALS" }
for _, path in ipairs(preludes) do
  for line in io.lines(path) do
    local name = line:match("^local function ([%w_]+)")
    if name then
      table.insert(read_globals, name)
    else
      for each in (line:match("^local ([%w_, ]+)") or ""):gmatch("[%w_]+") do
        if each ~= "m" then
          table.insert(read_globals, each)
        end
      end
    end
  end
  files[path] = { ignore = { "211", "221", "231" } } -- unused here, used by the scripts
end
