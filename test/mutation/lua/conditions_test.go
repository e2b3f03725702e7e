package lua

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"waggle/test/kit/caches"
)

func TestConditions(t *testing.T) {
	const both = " always true, always false"
	for name, test := range map[string]struct {
		source string
		want   []string
	}{
		"if":    {"if a then elseif b.c == 'if x then' then end -- if d then end", []string{"a" + both, "b.c == 'if x then'" + both}},
		"while": {"while #list > 4 do end\nwhile true do break end", []string{"#list > 4" + both}},
		"until": {"repeat local x = 1 until f(x)", []string{"f(x)" + both}},
		"operands": {"if a and b or (c or not d) and e then end", []string{"a and b or (c or not d) and e" + both, "a and b always false",
			"a always true", "b always true", "(c or not d) and e always false", "c or not d always true", "c always false",
			"not d always false", "e always true"}},
		"a chain":           {"if a and b and c then end", []string{"a and b and c" + both, "a always true", "b always true", "c always true"}},
		"within a not":      {"local free = not (r and r.state == 'active')", []string{"not (r and r.state == 'active')" + both, "r always true", "r.state == 'active' always true"}},
		"a function":        {"return boolean(m) and x", []string{"boolean(m)" + both}},
		"ends in a boolean": {"return x and boolean(m)", []string{"x and boolean(m)" + both, "x always true", "boolean(m) always true"}},
		"and data":          {"local told = text and decode(text)", []string{"text" + both}},
		"one or other":      {"local past = confirmed and parted(match) or nil", []string{"confirmed" + both}},
		"instead":           {"local tags = m.tags or ''", []string{"m.tags or '' always the first, always the second"}},
		"in a table":        {"return reply({ listed = listed == cell, n == 1, ['k'] = { not x } })", []string{"listed == cell" + both, "n == 1" + both, "not x" + both}},
		"in an index":       {"if t[a == b] then end", []string{"t[a == b]" + both, "a == b" + both}},
		"in a function":     {"table.sort(list, function(a, b)\n  return a.created < b.created\nend)", []string{"a.created < b.created" + both}},
		"in a method":       {"x:f{ y > 1 }.z, w = 1, 2 <= 3", []string{"y > 1" + both, "2 <= 3" + both}},
		"long strings":      {"--[[ if a\nthen ]] local s = [==[ if b ]] then ]==] for i = 1, #s do if i then return end end", []string{"i" + both}},
		"no conditions":     {"local a, b = -x ^ 2, 'a' .. 1 + f() local function g(...) return ... end for _, v in pairs(t) do a.b.c = v end", nil},
		"over many lines":   {"if a ==\n    b\nthen end", []string{"a == b" + both}},
	} {
		t.Run(name, func(t *testing.T) {
			found, err := Conditions(test.source, map[string]bool{"boolean": true})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, c := range found {
				var changes []string
				for _, m := range c.Mutants {
					changes = append(changes, m.Change)
				}
				got = append(got, c.Text+" "+strings.Join(changes, ", "))
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

func TestAMutantReplacesOneCondition(t *testing.T) {
	const source = "if a then end\nlocal x = b and 1 or m.n or 2"
	found, err := Conditions(source, nil)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range found {
		for _, m := range c.Mutants {
			got = append(got, fmt.Sprint(c.Line, " ", c.Mutate(source, m)[13*(c.Line-1):]))
		}
	}
	want := []string{
		"1 if true then end\nlocal x = b and 1 or m.n or 2", "1 if false then end\nlocal x = b and 1 or m.n or 2",
		"2 \nlocal x = b and 1 or m.n", "2 \nlocal x = 2",
		"2 \nlocal x = true and 1 or m.n or 2", "2 \nlocal x = false and 1 or m.n or 2",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestBooleanFunctionsAreFound(t *testing.T) {
	got, err := Booleans(`
local function has(x) for w in x do if not w then return false end end return true end
local function fresh(m) return m.at and later(m) and m.n > 1 end
local function free(m) return known(m) and fresh(m) end
local function past(m) return m.reason end
local function maybe(m) if m then return true end return end
local function both(m) return true, false end
local function nothing(m) f() end`, map[string]bool{"known": true})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]bool{"has": true, "fresh": true, "free": true, "known": true}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestInvalidLuaIsRefused(t *testing.T) {
	for source, want := range map[string]string{
		"if a then":        "line 1: got the end, want end",
		"x = 1\nlocal 2":   "line 2: got 2, want a name",
		"x = $":            `line 1: no token begins with "$"`,
		"x = 'a":           `line 1: no token begins with "'"`,
		"x = )":            "line 1: got ), want an expression",
		"return 1 end":     "line 1: got end, want a statement",
		"while a then end": "line 1: got then, want do",
	} {
		if _, err := Conditions(source, nil); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, want %s", source, err, want)
		}
	}
}

// An observed source does the same as the source, and prints the value of each condition.
func TestAnObservedSourcePrintsItsConditions(t *testing.T) {
	const source = "local x, y = {}, nil if not y and x then x.a = y or 3 end x.b = x.a == 4 or x.a == 3"
	found, err := Conditions(source, nil)
	if err != nil {
		t.Fatal(err)
	}
	cache := caches.Embedded(t)
	printed, err := eval(cache, "local printed = {} local print = function(s) printed[#printed + 1] = s end "+
		Observer+Observed(source, found, 1)+" return table.concat(printed, ' ')")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := eval(cache, "local print = function() end "+Observer+Observed(source, found, 1)+
		" return tostring(x.a) .. ' ' .. tostring(x.b)"); err != nil || got != "3 true" {
		t.Errorf("got %s, %v, want 3 true", got, err)
	}
	// 1 `not y and x`, 2 `not y`, 3 `x`, 4 `y or 3`, 5 `x.a == 4 or x.a == 3`, 6 and 7 its operands.
	want := "mutant:2t; mutant:3t; mutant:1t; mutant:4f; mutant:6f; mutant:7t; mutant:5t;"
	if printed != want {
		t.Errorf("got %s, want %s", printed, want)
	}
}

// Every mutant of every script compiles, and so does every observed script.
func TestMutantsOfTheScriptsCompile(t *testing.T) {
	const folder = "../../../internal/store/scripts/"
	preludes, err := filepath.Glob(folder + "*.lua")
	if err != nil {
		t.Fatal(err)
	}
	scripts, err := filepath.Glob(folder + "*/*.lua")
	if err != nil {
		t.Fatal(err)
	}
	files := append(preludes, scripts...)
	if len(files) < 20 {
		t.Fatalf("got %d scripts", len(files))
	}
	cache := caches.Embedded(t)
	for _, file := range files {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found, err := Conditions(string(source), nil)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, c := range found {
			if want := strings.Join(strings.Fields(string(source[c.From:c.To])), " "); c.Text != want {
				t.Errorf("%s:%d: got %s, want %s", file, c.Line, c.Text, want)
			}
			for _, m := range c.Mutants {
				compiles(t, cache, file, c.Mutate(string(source), m))
			}
		}
		compiles(t, cache, file, Observer+Observed(string(source), found, 0))
		if ifs := strings.Count(string(source), "if "); len(found) < ifs/2 {
			t.Errorf("%s: got %d conditions, for %d ifs", file, len(found), ifs)
		}
	}
	if !slices.ContainsFunc(files, func(f string) bool { return filepath.Base(f) == "claim.lua" }) {
		t.Error("claim.lua is missing: the test looks in the wrong folder")
	}
}

// eval runs a script in a cache, and returns its reply.
func eval(cache caches.Cache, script string) (string, error) {
	return caches.Ask(strings.TrimPrefix(cache.URL, "redis://"), "EVAL", script, "0")
}

func compiles(t *testing.T, cache caches.Cache, file, source string) {
	t.Helper()
	if _, err := caches.Ask(strings.TrimPrefix(cache.URL, "redis://"), "SCRIPT", "LOAD", source); err != nil {
		t.Errorf("%s: %v in\n%s", file, err, source)
	}
}
