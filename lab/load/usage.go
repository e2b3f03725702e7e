package load

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Usage is what a server uses at one moment. What it does not tell is nil.
type Usage struct {
	When                                 string
	Connections, Goroutines, Descriptors *float64
	Resident, Heap                       *float64 // bytes
	CPU                                  *float64 // seconds since the start
	Keys, CacheMemory                    *float64 // of the cache; bytes
	At                                   time.Time
}

// usageTimeout bounds one reading: a server that is overloaded must not stop the run.
const usageTimeout = 5 * time.Second

// ReadUsage reads the metrics of a local stack, http://host:port/metrics, and asks caches,
// redis://host:port, for their keys and memory.
func ReadUsage(ctx context.Context, metrics string, caches []string) (Usage, error) {
	ctx, cancel := context.WithTimeout(ctx, usageTimeout)
	defer cancel()
	u := Usage{At: time.Now()}
	values, err := ReadMetrics(ctx, metrics)
	if err != nil {
		return u, err
	}
	fields := map[string]**float64{
		"waggle_connections": &u.Connections, "go_goroutines": &u.Goroutines, "process_open_fds": &u.Descriptors,
		"process_resident_memory_bytes": &u.Resident, "go_gc_heap_live_bytes": &u.Heap, "process_cpu_seconds_total": &u.CPU,
		"waggle_cache_keys": &u.Keys,
	}
	for name, field := range fields {
		if value, there := values[name]; there {
			*field = &value
		}
	}
	for _, cache := range caches {
		if err := u.ask(cache); err != nil {
			return u, fmt.Errorf("-cache: %w", err)
		}
	}
	return u, nil
}

// ReadMetrics reads the metrics of a local stack, by their name with its attributes, as Prometheus
// writes them.
func ReadMetrics(ctx context.Context, metrics string) (map[string]float64, error) {
	ctx, cancel := context.WithTimeout(ctx, usageTimeout)
	defer cancel()
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, metrics, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(q)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answered %s", metrics, resp.Status)
	}
	return parseMetrics(resp.Body)
}

func parseMetrics(text io.Reader) (map[string]float64, error) {
	values := make(map[string]float64)
	lines := bufio.NewScanner(text)
	for lines.Scan() {
		line := lines.Text()
		cut := strings.LastIndexByte(line, ' ')
		if cut < 0 || line[0] == '#' {
			continue
		}
		value, err := strconv.ParseFloat(line[cut+1:], 64)
		if err != nil {
			return nil, fmt.Errorf("the metrics have a line %q", line)
		}
		values[line[:cut]] = value
	}
	return values, lines.Err()
}

// ask adds the keys and the memory of a cache. No error has the URL, which may have a password.
func (u *Usage) ask(cache string) error {
	at, err := url.Parse(cache)
	if err != nil || at.Scheme != "redis" || at.Host == "" || at.RawQuery != "" || strings.Trim(at.Path, "/") != "" {
		return errors.New("give a URL such as redis://127.0.0.1:6379; TLS is not supported")
	}
	host := at.Host
	if at.Port() == "" {
		host = net.JoinHostPort(at.Hostname(), "6379")
	}
	c, err := net.DialTimeout("tcp", host, usageTimeout)
	if err != nil {
		return err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(usageTimeout)) // a socket takes any deadline
	commands := "DBSIZE\r\nINFO memory\r\nQUIT\r\n"
	if password, ok := at.User.Password(); ok {
		user := at.User.Username()
		if user == "" {
			user = "default"
		}
		commands = fmt.Sprintf("AUTH %s %s\r\n", user, password) + commands
	}
	if _, err := io.WriteString(c, commands); err != nil {
		return err
	}
	for lines := bufio.NewScanner(c); lines.Scan(); {
		line := lines.Text()
		memory, isMemory := strings.CutPrefix(line, "used_memory:")
		keys, isKeys := strings.CutPrefix(line, ":")
		switch {
		case strings.HasPrefix(line, "-"):
			return fmt.Errorf("%s answered %s", host, line)
		case isMemory:
			addTo(&u.CacheMemory, memory)
		case isKeys:
			addTo(&u.Keys, keys)
		}
	}
	return nil
}

func addTo(sum **float64, text string) {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return
	}
	if *sum != nil {
		n += **sum
	}
	*sum = &n
}

// cores returns how many cores the server used between two readings; 0: not known.
func cores(from, to Usage) float64 {
	if from.CPU == nil || to.CPU == nil {
		return 0
	}
	return (*to.CPU - *from.CPU) / to.At.Sub(from.At).Seconds()
}

// A measure is one number of a Usage.
type measure struct {
	name string
	of   func(Usage) *float64
	unit float64
	// slack is by how much the number may grow in any case, in units.
	slack float64
}

func measures() []measure {
	const mb = 1 << 20
	return []measure{
		{"memory, MB", func(u Usage) *float64 { return u.Resident }, mb, 10},
		{"live heap, MB", func(u Usage) *float64 { return u.Heap }, mb, 5},
		{"goroutines", func(u Usage) *float64 { return u.Goroutines }, 1, 50},
		{"descriptors", func(u Usage) *float64 { return u.Descriptors }, 1, 50},
		{"keys", func(u Usage) *float64 { return u.Keys }, 1, 50},
		{"cache memory, MB", func(u Usage) *float64 { return u.CacheMemory }, mb, 5},
		{"connections", func(u Usage) *float64 { return u.Connections }, 1, 0},
	}
}

// shortest is the shortest time after which a verdict means anything: members' entries
// live for a minute.
const shortest = 2 * time.Minute

// growth is by how much a number may grow and still count as flat.
const growth = 1.1

// Flat says in a sentence which numbers stayed flat after the warm-up: the median of the
// last fifth of the readings is at most a tenth above that of the first fifth, or above by
// no more than what such a number varies by.
func Flat(series []Usage) string {
	fifth := len(series) / 5
	if fifth < 3 || series[len(series)-1].At.Sub(series[0].At) < shortest {
		return "The run is too short to say whether memory, goroutines, descriptors and keys are flat."
	}
	var flat, grown []string
	for _, m := range measures() {
		first, ok := m.median(series[:fifth])
		last, ok2 := m.median(series[len(series)-fifth:])
		if !ok || !ok2 || m.slack == 0 {
			continue
		}
		name, _, _ := strings.Cut(m.name, ",")
		if last > max(growth*first, first+m.slack) {
			grown = append(grown, fmt.Sprintf("%s grew from %.0f to %.0f", name, first, last))
		} else {
			flat = append(flat, name)
		}
	}
	switch {
	case len(grown) == 0 && len(flat) == 0:
		return "The server does not tell what it uses."
	case len(grown) == 0:
		return "Flat after the warm-up: " + strings.Join(flat, ", ") + "."
	case len(flat) == 0:
		return "Not flat after the warm-up: " + strings.Join(grown, ", ") + "."
	}
	return "Not flat after the warm-up: " + strings.Join(grown, ", ") + ". Flat: " + strings.Join(flat, ", ") + "."
}

func (m measure) median(series []Usage) (float64, bool) {
	var values []float64
	for _, u := range series {
		if v := m.of(u); v != nil {
			values = append(values, *v/m.unit)
		}
	}
	if len(values) == 0 {
		return 0, false
	}
	slices.Sort(values)
	return values[len(values)/2], true
}
