package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Parse reads the context of a CDK app, and the pool file that it names with readFile,
// such as os.ReadFile. Keys with ":" or "/" are the CDK's own; every other key must be one
// of Settings.
func Parse(context map[string]any, readFile func(string) ([]byte, error)) (Config, error) {
	d := draft{Config: Default()}
	var given []setting
	for _, key := range slices.Sorted(maps.Keys(context)) {
		if strings.ContainsAny(key, ":/") {
			continue
		}
		i := slices.IndexFunc(settings(), func(s setting) bool { return s.Key == key })
		if i < 0 {
			return Config{}, fmt.Errorf("-c %s: there is no such setting; the settings are %s", key, keys())
		}
		s, value := settings()[i], text(context[key])
		if !s.set(&d, value) {
			if strings.Contains(value, "@") {
				value = "…" // a URL that may have a password
			}
			return Config{}, fmt.Errorf("-c %s=%s: it must be %s", key, value, s.Allowed)
		}
		given = append(given, s)
	}
	for _, s := range given {
		if s.only != nil && !s.only(d.Config) {
			return Config{}, fmt.Errorf("-c %s goes with %s only", s.Key, s.With)
		}
	}
	if err := d.readPools(readFile); err != nil {
		return Config{}, err
	}
	if err := d.Check(); err != nil {
		return Config{}, err
	}
	return d.Config, nil
}

// StackName returns the stack's name, and looks at no other setting.
func StackName(context map[string]any) (string, error) {
	d := draft{Config: Default()}
	for _, s := range settings() {
		if value, ok := context[s.Key]; ok && s.Key == "stack" && !s.set(&d, text(value)) {
			return "", fmt.Errorf("-c stack=%s: it must be %s", text(value), s.Allowed)
		}
	}
	return d.Stack, nil
}

// A draft is a Config while Parse reads it.
type draft struct {
	Config
	poolFile, consent string
	remoteRequests    bool
}

// text returns a value as a command line has it: true and 3 are no strings in a cdk.json.
func text(value any) string {
	if s, ok := value.(string); ok {
		return s
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(raw)
}

func keys() string {
	var all []string
	for _, s := range settings() {
		all = append(all, s.Key)
	}
	return strings.Join(all, ", ")
}
