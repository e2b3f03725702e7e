-- The scripts run inside Valkey, behind preludes whose locals they see: what
-- those define at the top is known to all.
local preludes = {
  "internal/store/scripts/common.lua",
  "internal/store/scripts/member.lua",
  "internal/store/scripts/cell.lua",
}

std = "lua51"
max_line_length = 120
read_globals = { "redis", "cjson", "KEYS", "ARGV" }
for _, path in ipairs(preludes) do
  for line in io.lines(path) do
    local name = line:match("^local function (%w+)")
    if name then
      table.insert(read_globals, name)
    else
      for each in (line:match("^local ([%w_, ]+)") or ""):gmatch("[%w_]+") do
        table.insert(read_globals, each)
      end
    end
  end
  files[path] = { ignore = { "211", "221" } } -- unused here, used by the scripts
end
