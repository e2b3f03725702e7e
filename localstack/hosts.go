package main

import (
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"time"

	"waggle/internal/boundedlog"
)

// hosts are the names under which clients may reach the stack, besides those that lead to
// this machine only: loopback, and the address at which a request arrives.
//
// They keep out pages of other sites. Such a page can make its own name lead to 127.0.0.1
// and read what the stack answers (DNS rebinding), or open a WebSocket. It cannot choose the
// Host and the Origin that the browser sends.
type hosts map[string]bool

var hostName = regexp.MustCompile(`^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$`)

// hosts returns the names of -allow-host and the one of -addr.
func (c config) hosts() hosts {
	all := hosts{}
	maps.Copy(all, c.AllowHosts)
	if host, _, err := net.SplitHostPort(c.Addr); err == nil {
		_ = all.add(host) // fails if it names no host: "", 0.0.0.0 or [::]
	}
	return all
}

// add adds a comma-separated list of names.
func (h hosts) add(list string) error {
	for text := range strings.SplitSeq(list, ",") {
		name, address := plainName(strings.TrimSpace(text))
		switch {
		case address.IsUnspecified(), !address.IsValid() && !hostName.MatchString(name):
			return fmt.Errorf("%q must be a host name or an IP address, without scheme, port and path", text)
		case h[name]:
			return fmt.Errorf("%q is there more than once", name)
		}
		h[name] = true
	}
	return nil
}

// check passes on requests whose Host and Origin are allowed. It refuses another Host with
// 421, and another Origin with 403. Only browsers send an Origin.
func (h hosts) check(next http.Handler, log *slog.Logger) http.Handler {
	log = boundedlog.New(log, time.Now)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var arrived netip.Addr // the address of this machine to which the client connected
		if local, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr); ok {
			arrived = local.AddrPort().Addr().Unmap().WithZone("")
		}
		allowed := func(header, host string, refusal int) bool {
			if bare, _, err := net.SplitHostPort(host); err == nil {
				host = bare
			}
			name, address := plainName(host)
			if h[name] || name == "localhost" || address.IsLoopback() || address.IsValid() && address == arrived {
				return true
			}
			if len(name) > 100 {
				name = name[:100] + "…"
			}
			log.Warn("refused a "+header+" that -allow-host does not name", "name", name)
			http.Error(w, fmt.Sprintf("%s %q is neither loopback nor an address of this server. To allow it, start the stack with -allow-host %[2]s", header, name), refusal)
			return false
		}
		if !allowed("Host", r.Host, http.StatusMisdirectedRequest) {
			return
		}
		for _, origin := range r.Header["Origin"] {
			if u, err := url.Parse(origin); err == nil && u.Host != "" { // else "null", for one
				origin = u.Host
			}
			if !allowed("Origin", origin, http.StatusForbidden) {
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// plainName returns a name in lower case without its final dot, and the address if it is one,
// without brackets and zone.
func plainName(host string) (string, netip.Addr) {
	name := strings.ToLower(strings.TrimSuffix(host, "."))
	address, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(name, "["), "]"))
	if err != nil {
		return name, netip.Addr{}
	}
	address = address.Unmap().WithZone("")
	return address.String(), address
}
