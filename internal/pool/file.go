package pool

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Parse reads a pool file. A pool has the file's "default" settings but for
// what it says itself, and those have the built-in ones; empty data gives the
// built-in settings. A key that is unknown or there twice is refused, and so is
// a value out of range; the error says where, and what is allowed.
func Parse(data []byte) (Pools, error) { return ParseOver(Default(), data) }

// ParseOver is Parse with other settings than the built-in ones to begin with.
func ParseOver(base Settings, data []byte) (Pools, error) {
	if len(bytes.TrimSpace(data)) == 0 {
		data = []byte("{}")
	}
	pools, err := parse(base, data)
	if err != nil {
		return Pools{}, fmt.Errorf("pool file: %w", err)
	}
	return pools, nil
}

func parse(base Settings, data []byte) (Pools, error) {
	top, err := members(data)
	if err != nil {
		return Pools{}, err
	}
	for key := range top {
		if key != "pools" {
			return Pools{}, fmt.Errorf("unknown key %q: the only one at the top is \"pools\"", key)
		}
	}
	if top["pools"] == nil {
		return Pools{map[string]Settings{DefaultName: base}}, nil
	}
	pools, err := members(top["pools"])
	if err != nil {
		return Pools{}, fmt.Errorf("\"pools\": %w", err)
	}

	if raw, ok := pools[DefaultName]; ok {
		if base, err = read(base, raw); err != nil {
			return Pools{}, fmt.Errorf("pool %q: %w", DefaultName, err)
		}
	}
	named := map[string]Settings{DefaultName: base}
	for _, name := range slices.Sorted(maps.Keys(pools)) {
		if !ValidName(name) {
			return Pools{}, fmt.Errorf("pool %q: a name is 1 to 32 of a-z, 0-9 and \"-\"", name)
		}
		if name == DefaultName {
			continue
		}
		if named[name], err = read(base, pools[name]); err != nil {
			return Pools{}, fmt.Errorf("pool %q: %w", name, err)
		}
	}
	return Pools{named}, nil
}

// read puts one pool's own settings over those it starts from.
func read(s Settings, raw json.RawMessage) (Settings, error) {
	own, err := members(raw)
	if err != nil {
		return s, err
	}
	fields := schema()
	for _, key := range slices.Sorted(maps.Keys(own)) {
		i := slices.IndexFunc(fields, func(f field) bool { return f.name == key })
		if i < 0 {
			return s, fmt.Errorf("unknown key %q: allowed are %s", key, names(fields))
		}
		if err := fields[i].read(&s, own[key]); err != nil {
			return s, fmt.Errorf("%q %w", key, err)
		}
	}
	return s, nil
}

func names(fields []field) string {
	all := make([]string, len(fields))
	for i, f := range fields {
		all[i] = f.name
	}
	return strings.Join(all, ", ")
}

// members returns what a JSON object holds. Unlike encoding/json's maps it
// refuses a key that is there twice, and anything behind the object.
func members(data []byte) (map[string]json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	if open, err := d.Token(); err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	} else if open != json.Delim('{') {
		return nil, errors.New("must be a JSON object")
	}
	all := map[string]json.RawMessage{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("not JSON: %w", err)
		}
		key := token.(string) // in an object the decoder yields nothing else
		if _, twice := all[key]; twice {
			return nil, fmt.Errorf("key %q is there twice", key)
		}
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return nil, fmt.Errorf("not JSON: key %q: %w", key, err)
		}
		all[key] = value
	}
	if _, err := d.Token(); err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("something stands behind the JSON object")
	}
	return all, nil
}

// JSON returns the pool file that Parse reads as p, every setting spelled out.
func (p Pools) JSON() []byte {
	named := maps.Clone(p.named)
	if named == nil {
		named = map[string]Settings{}
	}
	named[DefaultName] = p.For(DefaultName)

	var b bytes.Buffer
	b.WriteString(`{"pools":{`)
	for i, name := range slices.Sorted(maps.Keys(named)) {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%q:{", name)
		for j, f := range schema() {
			if j > 0 {
				b.WriteByte(',')
			}
			value, err := json.Marshal(f.write(named[name]))
			if err != nil { // only NaN and infinities, which Parse never lets in
				panic(fmt.Sprintf("pool %q: %s: %v", name, f.name, err))
			}
			fmt.Fprintf(&b, "%q:%s", f.name, value)
		}
		b.WriteByte('}')
	}
	b.WriteString("}}")

	var indented bytes.Buffer
	if err := json.Indent(&indented, b.Bytes(), "", "  "); err != nil {
		panic(fmt.Sprintf("pools: %v", err))
	}
	indented.WriteByte('\n')
	return indented.Bytes()
}

// Faster returns the settings for a world that runs at speed times the real
// one, as a replay does: times divided by it, rates multiplied. What gets out
// of range is refused as in a file.
func (p Pools) Faster(speed float64) (Pools, error) {
	if !(speed > 0) || speed > 1e6 {
		return Pools{}, fmt.Errorf("speed must be above 0 and at most 1000000, not %g", speed)
	}
	named := map[string]Settings{DefaultName: p.For(DefaultName)}
	maps.Copy(named, p.named)
	for name, s := range named {
		for _, f := range schema() {
			if f.faster != nil {
				f.faster(&s, speed)
			}
		}
		named[name] = s
	}
	return Parse(Pools{named}.JSON())
}
