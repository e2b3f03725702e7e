package bench

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// A Result is one run. Its JSON names are stable.
type Result struct {
	Date       string    `json:"date"`
	Seconds    float64   `json:"seconds"` // how long the run took
	Cores      int       `json:"cores"`
	Load       string    `json:"load"` // average of the minute before, "" if unknown
	Server     string    `json:"server"`
	Tile38     string    `json:"tile38"` // its version, "" if it is not on the path
	PingMicros float64   `json:"pingMicros"`
	Repeats    int       `json:"repeats"`
	Rows       []Row     `json:"rows"`
	Worst      []Worst   `json:"worst"`
	Memory     []Memory  `json:"memory"`
	Busy       []Busy    `json:"busy"`
	Clusters   []Cluster `json:"clusters"`
}

// A Row is the cost of one operation of one system among so many members.
type Row struct {
	System  string `json:"system"`
	Name    string `json:"name"`
	Members int    `json:"members"`
	// Pings is the median over the repeats of the server's processor time, in PINGs of the
	// cache. Low and High are the least and the most.
	Pings float64 `json:"pings"`
	Low   float64 `json:"low"`
	High  float64 `json:"high"`
	// Micros is that time in microseconds, WallMicros the median time until the reply.
	Micros     float64 `json:"micros"`
	WallMicros float64 `json:"wallMicros"`
	Trips      float64 `json:"trips"`    // of one operation
	Commands   float64 `json:"commands"` // of one operation
	Operations int     `json:"operations"`
}

// A Worst is the longest single run of a script over the worst cases.
type Worst struct {
	Script       string  `json:"script"`
	Case         string  `json:"case"`
	Micros       float64 `json:"micros"` // the least of the repeats of the case
	Pings        float64 `json:"pings"`
	MedianMicros float64 `json:"medianMicros"` // of the repeats, with the garbage of earlier runs
}

// A Memory is how much memory members take.
type Memory struct {
	Server  string             `json:"server"`
	Members int                `json:"members"`
	Bytes   float64            `json:"bytes"` // a member, by the server's own count
	Kinds   map[string]float64 `json:"kinds"` // bytes a member by the kind of key
}

// A Busy is how many operations of 64 callers in one shard cell one core of the cache can do.
type Busy struct {
	Operation string  `json:"operation"`
	PerSecond float64 `json:"perSecond"`
}

// A Cluster is how the processor time of one operation spreads over a cluster.
type Cluster struct {
	Operation string    `json:"operation"`
	Primaries int       `json:"primaries"`
	Pings     float64   `json:"pings"`  // of one operation, on all primaries together
	Shares    []float64 `json:"shares"` // of that time, by primary
}

// Save writes a result to its date and .json in a folder, and its picture to costs.png there.
func (r Result) Save(folder string) error {
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, r.Date+".json"), append(text, '\n'), 0o644); err != nil {
		return err
	}
	return r.Picture().Save(filepath.Join(folder, "costs.png"))
}

// Load reads a result.
func Load(file string) (r Result, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal(text, &r)
}

// Newest returns the file of the newest result in a folder.
func Newest(folder string) (string, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("there is no result in %s", folder)
	}
	if err != nil {
		return "", err
	}
	return slices.Max(files), nil // their names are dates
}

// The tables of a page stand between these lines.
const begin, end = "<!-- tables of make bench -->\n", "<!-- end of the tables -->\n"

// Pages returns the tables by the page that quotes them.
func (r Result) Pages() map[string]string {
	return map[string]string{"performance.md": r.Markdown(), "scale.md": r.Scale()}
}

// Rewrite puts the tables into the pages in a folder.
func (r Result) Rewrite(folder string) error {
	for page, tables := range r.Pages() {
		file := filepath.Join(folder, page)
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		before, rest, ok := strings.Cut(string(text), begin)
		_, after, ok2 := strings.Cut(rest, end)
		if !ok || !ok2 {
			return fmt.Errorf("%s lacks the lines %q and %q", file, begin, end)
		}
		if err := os.WriteFile(file, []byte(before+begin+tables+end+after), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// row returns a row, false if it was not measured.
func (r Result) row(system, name string, members int) (Row, bool) {
	i := slices.IndexFunc(r.Rows, func(row Row) bool { return row.System == system && row.Name == name && row.Members == members })
	if i < 0 {
		return Row{}, false
	}
	return r.Rows[i], true
}
