// Package records reads and writes the records of members in the cache, through the prelude
// of the store's scripts: only that knows how a record is stored.
package records

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/valkey-io/valkey-go"

	"waggle/internal/store"
)

// prelude is what every script on a member's slot starts with.
var prelude = sync.OnceValue(func() string {
	var text string
	s, err := store.Open(store.Options{URL: "redis://nobody", Rewrite: func(name, whole string) string {
		if name == "watch" {
			text, _, _ = strings.Cut(whole, "\n-- watch ")
		}
		return whole
	}})
	if err != nil {
		panic(err) // the URL is well formed
	}
	s.Close()
	return text
})

// names are the names of a record's fields, with what the cache calls them.
var names = sync.OnceValue(func() map[string]string {
	_, table, _ := strings.Cut(prelude(), "local FIELDS = {\n")
	table, _, _ = strings.Cut(table, "\n}\n")
	all := make(map[string]string)
	for _, field := range regexp.MustCompile(`(\w+) = \{ '(\w+)'`).FindAllStringSubmatch(table, -1) {
		all[field[1]] = field[2]
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
		local m = fetch(unpack(ARGV, 4))
		for name, value in pairs(m) do
			m[name] = type(value) == 'table' and cjson.encode(value) or value
		end
		return cjson.encode(m)`, slices.Sorted(maps.Keys(names())))
	if err != nil {
		return nil, err
	}
	fields := make(map[string]string)
	return fields, json.Unmarshal([]byte(text), &fields)
}

// Write replaces a record. The fields have `connected`.
func Write(ctx context.Context, client valkey.Client, record string, fields map[string]string) error {
	var flat []string
	for name, value := range fields {
		flat = append(flat, name, value)
	}
	_, err := run(ctx, client, record, `
		redis.call('DEL', record)
		local fields = {}
		for i = 4, #ARGV, 2 do
			fields[ARGV[i]] = ARGV[i + 1]
		end
		store_anew(fields.connected, fields)
		return ''`, flat)
	return err
}

// run runs a script on the record, whose own arguments start at ARGV[4].
func run(ctx context.Context, client valkey.Client, record, script string, args []string) (string, error) {
	return client.Do(ctx, client.B().Eval().Script(prelude()+"\n"+script).Numkeys(1).Key(record).
		Arg("0", "60000", "60000").Arg(args...).Build()).ToString()
}
