// Package records reads and writes the records of members in the cache, through the prelude
// of the store's scripts: only that knows how a record is stored.
package records

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/valkey-io/valkey-go"

	"waggle/internal/store"
)

// names are the names of a record's fields, with what the cache calls them.
var names = sync.OnceValue(func() map[string]string {
	_, table, _ := strings.Cut(store.MemberScript(""), "local FIELDS = {")
	table, _, _ = strings.Cut(table, "}")
	all := make(map[string]string)
	for _, field := range regexp.MustCompile(`(\w+) = '(\w+)'`).FindAllStringSubmatch(table, -1) {
		all[field[2]] = field[1]
	}
	return all
})

// Short returns what the cache calls a field of the record.
func Short(name string) string {
	short, ok := names()[name]
	if !ok {
		panic(fmt.Sprintf("a record has no field %q", name))
	}
	return short
}

// Read returns the fields of a record, by their names in the scripts.
func Read(ctx context.Context, client valkey.Client, record string) (map[string]string, error) {
	text, err := run(ctx, client, record, `
		local all = {}
		for _, name in pairs(FIELDS) do
			all[name] = TIMES[name] and m[name] and int(m[name]) or m[name]
		end
		return cjson.encode(all)`, nil)
	if err != nil {
		return nil, err
	}
	fields := make(map[string]string)
	if err := json.Unmarshal([]byte(text), &fields); err != nil {
		return nil, err
	}
	for name, value := range fields {
		switch name {
		case "lat", "lng":
			n, err := store.Degrees(value)
			if err != nil {
				return nil, err
			}
			fields[name] = strconv.FormatFloat(n, 'f', -1, 64)
		case "cell", "listed":
			c, err := store.Cell(value)
			if err != nil {
				return nil, err
			}
			fields[name] = string(c)
		}
	}
	return fields, nil
}

// Write replaces a record. The fields have `connected`, a position and a cell.
func Write(ctx context.Context, client valkey.Client, record string, fields map[string]string) error {
	var flat []string
	for name, value := range fields {
		switch name {
		case "lat", "lng":
			n, err := strconv.ParseFloat(value, 64)
			if err != nil {
				return err
			}
			value = store.ShortDegrees(n)
		case "cell":
			value = store.ShortCell(value)
		}
		flat = append(flat, name, value)
	}
	_, err := run(ctx, client, record, `
		for _, name in pairs(FIELDS) do
			m[name] = nil
		end
		for i = 4, #ARGV, 2 do
			m[ARGV[i]] = TIMES[ARGV[i]] and tonumber(ARGV[i + 1]) or ARGV[i + 1]
		end
		renew(m.connected)
		return reply({})`, flat)
	return err
}

// run runs a script on the record, whose own arguments start at ARGV[4].
func run(ctx context.Context, client valkey.Client, record, script string, args []string) (string, error) {
	return client.Do(ctx, client.B().Eval().Script(store.MemberScript(script)).Numkeys(1).Key(record).
		Arg("0", "60000", "60000").Arg(args...).Build()).ToString()
}
