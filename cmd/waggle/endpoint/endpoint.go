// Package endpoint finds the WebSocket API of a URL, and gets tokens for it.
package endpoint

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"unicode/utf8"

	"waggle/clients/go/waggle"
	"waggle/internal/pool"
)

// Local is where the local stack listens by default.
const Local = "http://127.0.0.1:8080"

// An Endpoint is a Waggle API and how to get tokens for it.
type Endpoint struct {
	// Socket is the URL of the WebSocket API.
	Socket string
	// HTTPClient is used for tokens and handshakes; nil: http.DefaultClient.
	HTTPClient *http.Client

	tokens  string   // the URL of /token, if there is no command
	command []string // prints a token, with {member} and {pool} in it
}

// Parse reads a URL. http://host:port is a local stack, with its API at /prod and tokens
// at /token. wss://… is an API, and needs a command that prints a token for {member} in
// {pool}; on this machine it needs none. The command is split at spaces and run without a
// shell, so that a member's name needs no quotes.
func Parse(raw, tokenCommand string) (Endpoint, error) {
	socket, err := parseSocket(raw)
	if err != nil {
		return Endpoint{}, err
	}
	command := strings.Fields(tokenCommand)
	for _, word := range command {
		if strings.ContainsRune(`"'`, rune(word[0])) {
			return Endpoint{}, fmt.Errorf("-token-command has a quote before %.40s: it is run without a shell, so leave quotes out", word[1:])
		}
	}
	if strings.HasPrefix(raw, "ws") && len(command) == 0 && !loopback(socket.Hostname()) {
		return Endpoint{}, fmt.Errorf("-url %s needs -token-command, a command that prints a token for {member} in {pool}; "+
			"for a local stack on another machine give its http:// URL", raw)
	}
	e := Endpoint{Socket: socket.String(), command: command}
	e.tokens = e.Sibling("/token")
	return e, nil
}

// ParseSeveral is Parse for more than one member, whose command must say which token it is
// to print.
func ParseSeveral(raw, tokenCommand string) (Endpoint, error) {
	if tokenCommand != "" && !strings.Contains(tokenCommand, "{member}") {
		return Endpoint{}, errors.New("-token-command must have {member} in it: more than one member connects")
	}
	return Parse(raw, tokenCommand)
}

// Sibling returns the URL of another path of the local stack, such as /token.
func (e Endpoint) Sibling(path string) string {
	u, _ := url.Parse(e.Socket) // it is the text of a URL
	u.Scheme = map[string]string{"ws": "http", "wss": "https"}[u.Scheme]
	u.Path, u.RawQuery = path, ""
	return u.String()
}

// parseSocket returns the URL of the WebSocket API for a URL of either kind.
func parseSocket(raw string) (*url.URL, error) {
	if strings.ContainsAny(raw, "@?") {
		return nil, errors.New("-url must have no user, no password and no query, which would be shown: for a token there is -token or -token-command")
	}
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("-url %q is no URL: give one such as %s or wss://…/prod", raw, Local)
	}
	switch u.Scheme {
	case "http", "ws":
		u.Scheme = "ws"
	case "https", "wss":
		u.Scheme = "wss"
	default:
		return nil, fmt.Errorf("-url %q: the scheme must be http, https, ws or wss", raw)
	}
	if strings.Trim(u.Path, "/") == "" {
		u.Path = "/prod"
	}
	return u, nil
}

// Bearers returns members with the given tokens.
func Bearers(raw string, tokens []string) (socket string, members []waggle.Options, err error) {
	u, err := parseSocket(raw)
	if err != nil {
		return "", nil, err
	}
	for _, token := range tokens {
		if err := checkToken(token); err != nil {
			return "", nil, fmt.Errorf("-token: %w", err)
		}
		members = append(members, waggle.Options{URL: u.String(), Token: func(context.Context) (string, error) { return token, nil }})
	}
	return u.String(), members, nil
}

// checkToken returns an error if a token has characters that no token has. It does not
// repeat the token.
func checkToken(token string) error {
	const base64url = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	switch odd := strings.Trim(token, base64url+".="); {
	case token == "":
		return errors.New("it is empty")
	case strings.HasPrefix(token, "\ufeff"):
		return errors.New("it begins with a byte order mark: give the token alone")
	case odd != "":
		first, _ := utf8.DecodeRuneInString(odd)
		return fmt.Errorf("it has the character %q, which no token has: give the token alone, without blanks and quotes", first)
	}
	return nil
}

func loopback(host string) bool {
	return host == "localhost" || net.ParseIP(host).IsLoopback()
}

// A Member is a member that needs a token.
type Member struct {
	ID, Pool string
	Tags     []string
}

// Check returns an error if no token can be for the member: its name has 1 to 128 bytes,
// a pool, if there is one, has a valid name, and the tags are valid and different. A name
// with a blank at an end is a mistake too.
func (m Member) Check() error {
	if len(m.ID) < 1 || len(m.ID) > 128 {
		return fmt.Errorf("-as %.40q: a member's name is 1 to 128 bytes, not %d", m.ID, len(m.ID))
	}
	if strings.TrimSpace(m.ID) != m.ID {
		return fmt.Errorf("-as %.40q: the name begins or ends with a blank", m.ID)
	}
	if m.Pool != "" && !pool.ValidName(m.Pool) {
		return BadPool(m.Pool)
	}
	if len(m.Tags) > 16 {
		return fmt.Errorf("-tags: a member has at most 16 tags, not %d", len(m.Tags))
	}
	for i, tag := range m.Tags {
		if len(tag) > 32 || strings.Trim(tag, "abcdefghijklmnopqrstuvwxyz0123456789_-") != "" || tag == "" {
			return fmt.Errorf("-tags: %.40q is no tag, which is 1 to 32 of a-z, 0-9, _ and -: give tags with commas between, such as van,big", tag)
		}
		if slices.Contains(m.Tags[:i], tag) {
			return fmt.Errorf("-tags: %q is there more than once", tag)
		}
	}
	return nil
}

// BadPool returns an error that says what a pool's name must be.
func BadPool(name string) error {
	return fmt.Errorf("-pool %.40q: a pool's name is 1 to 32 of a-z, 0-9 and \"-\"", name)
}

// Options returns the options to connect a member.
func (e Endpoint) Options(m Member) waggle.Options {
	return waggle.Options{
		URL:        e.Socket,
		HTTPClient: e.HTTPClient,
		Token:      func(ctx context.Context) (string, error) { return e.token(ctx, m) },
	}
}

func (e Endpoint) token(ctx context.Context, m Member) (string, error) {
	if len(e.command) > 0 {
		return e.run(ctx, m)
	}
	query := url.Values{"member": {m.ID}}
	if m.Pool != "" {
		query.Set("pool", m.Pool)
	}
	if len(m.Tags) > 0 {
		query.Set("tags", strings.Join(m.Tags, ","))
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, e.tokens+"?"+query.Encode(), nil)
	if err != nil {
		return "", err
	}
	client := e.HTTPClient
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if err != nil {
		return "", err
	}
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s answered %s: %.200s; if the stack has no /token, say with -token-command how to get a token",
			e.tokens, resp.Status, bytes.TrimSpace(body))
	}
	return string(bytes.TrimSpace(body)), nil
}

func (e Endpoint) run(ctx context.Context, m Member) (string, error) {
	args := make([]string, len(e.command))
	fill := strings.NewReplacer("{member}", m.ID, "{pool}", m.Pool)
	for i, a := range e.command {
		args[i] = fill.Replace(a)
	}
	out, err := exec.CommandContext(ctx, args[0], args[1:]...).Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return "", fmt.Errorf("-token-command %q: %w: %.200s", args[0], err, bytes.TrimSpace(exit.Stderr))
		}
		return "", fmt.Errorf("-token-command: %w", err)
	}
	token := string(bytes.TrimSpace(out))
	if token == "" {
		return "", fmt.Errorf("-token-command %q printed nothing: it must print a token", args[0])
	}
	if err := checkToken(token); err != nil {
		return "", fmt.Errorf("-token-command %q printed no token: %w", args[0], err)
	}
	return token, nil
}

// Nobody tells whether err means that nothing listens at the address.
func Nobody(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }

// Explain adds the next step to an error of connecting.
func (e Endpoint) Explain(err error) error {
	if Nobody(err) {
		return fmt.Errorf("nothing listens at %s: start the local stack with `make run`, or say with -url where it is", e.Socket)
	}
	return err
}
