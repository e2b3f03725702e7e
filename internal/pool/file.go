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

// Parse reads a pool file. A pool has the settings that the file gives it, then those of
// the file's pool "default", then the built-in ones; without a file, nil, these are the
// built-in ones. An empty file, an unknown or repeated key and a value out of range are
// errors, which say where and what is allowed.
func Parse(data []byte) (Pools, error) { return ParseOver(Default(), data) }

// ParseOver is Parse with base in place of the built-in settings.
func ParseOver(base Settings, data []byte) (Pools, error) {
	if data == nil {
		data = []byte("{}")
	}
	pools, err := parse(base, data)
	if err != nil {
		return Pools{}, fmt.Errorf("pool file: %w", err)
	}
	return pools, nil
}

func parse(base Settings, data []byte) (Pools, error) {
	switch {
	case len(bytes.TrimSpace(data)) == 0:
		return Pools{}, errors.New("it is empty: {} gives every pool the built-in settings")
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")), bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		return Pools{}, errors.New("it begins with a byte order mark: save it as UTF-8 without one")
	}
	top, err := object(data)
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
	pools, err := object(top["pools"])
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

// read returns base with what one pool's own settings change in it.
func read(base Settings, raw json.RawMessage) (Settings, error) {
	own, err := object(raw)
	if err != nil {
		return base, err
	}
	settings := schema()
	for _, key := range slices.Sorted(maps.Keys(own)) {
		i := slices.IndexFunc(settings, func(s setting) bool { return s.key == key })
		if i < 0 {
			return base, fmt.Errorf("unknown key %q: allowed are %s", key, keys(settings))
		}
		if s := settings[i]; !s.read(&base, own[key]) {
			return base, fmt.Errorf("%q must be %s, not %s", key, s.allowed, brief(own[key]))
		}
	}
	return base, nil
}

func keys(settings []setting) string {
	all := make([]string, len(settings))
	for i, s := range settings {
		all[i] = s.key
	}
	return strings.Join(all, ", ")
}

// brief shortens a value of the file so that it fits into a sentence.
func brief(raw json.RawMessage) string {
	if len(raw) > 40 {
		return string(raw[:40]) + "…"
	}
	return string(raw)
}

// object returns what a JSON object holds. Unlike encoding/json's maps it refuses
// a repeated key, and anything after the object.
func object(data []byte) (map[string]json.RawMessage, error) {
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
		return nil, errors.New("something follows the JSON object")
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
		for j, s := range schema() {
			if j > 0 {
				b.WriteByte(',')
			}
			value, err := json.Marshal(s.write(named[name]))
			if err != nil { // NaN and infinities alone, which Parse refuses
				panic(fmt.Sprintf("pool %q: %s: %v", name, s.key, err))
			}
			fmt.Fprintf(&b, "%q:%s", s.key, value)
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

// Faster returns the settings for a replay at speed times the real one: times divided by
// speed, rates multiplied. A setting that is then out of range is an error, as in Parse.
func (p Pools) Faster(speed float64) (Pools, error) {
	if !(speed > 0) || speed > 1e6 {
		return Pools{}, fmt.Errorf("speed must be above 0 and at most 1000000, not %g", speed)
	}
	named := map[string]Settings{DefaultName: p.For(DefaultName)}
	maps.Copy(named, p.named)
	for name, settings := range named {
		for _, s := range schema() {
			if s.faster != nil {
				s.faster(&settings, speed)
			}
		}
		named[name] = settings
	}
	return Parse(Pools{named}.JSON())
}
