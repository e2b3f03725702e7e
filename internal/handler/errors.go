package handler

import (
	"errors"
	"log/slog"
	"net/http"

	"waggle/internal/match"
	"waggle/internal/protocol"
)

var (
	errNobody = errors.New("this connection has no identity")
)

// An answer is what an error becomes: a code and a text on the wire (no frame if the code is
// ""), the HTTP status of a refused $connect, and a level in the log. With ends, the connection
// is closed.
type answer struct {
	code   protocol.Code
	status int
	level  slog.Level
	text   string
	ends   bool
}

// faults has the answer to each kind of fault. The text is the fault's own.
var faults = map[match.Kind]answer{
	match.Invalid:     {protocol.CodeInvalidMessage, http.StatusBadRequest, slog.LevelDebug, "", false},
	match.Forbidden:   {protocol.CodeForbidden, http.StatusForbidden, slog.LevelDebug, "", false},
	match.NotFound:    {protocol.CodeNotFound, http.StatusNotFound, slog.LevelDebug, "", false},
	match.Conflict:    {protocol.CodeConflict, http.StatusConflict, slog.LevelDebug, "", false},
	match.Stale:       {protocol.CodeStale, http.StatusBadRequest, slog.LevelDebug, "", false},
	match.RateLimited: {protocol.CodeRateLimited, http.StatusTooManyRequests, slog.LevelDebug, "", false},
	match.KeepOut:     {protocol.CodeRateLimited, http.StatusTooManyRequests, slog.LevelDebug, "", true},
	match.Replaced:    {protocol.CodeReplaced, http.StatusConflict, slog.LevelDebug, "", true},
	match.Expired:     {protocol.CodeUnauthenticated, http.StatusUnauthorized, slog.LevelDebug, "", true},
	match.Gone:        {"", http.StatusGone, slog.LevelDebug, "", true},
}

// answerTo returns the answer to an error. The client never gets the text of an error that is
// not a fault.
func answerTo(err error) answer {
	var fault *match.Fault
	switch {
	case errors.As(err, &fault):
		a := faults[fault.Kind]
		a.text = fault.Text
		return a
	case errors.Is(err, errNobody):
		return answer{protocol.CodeUnauthenticated, http.StatusUnauthorized, slog.LevelError,
			"this connection has no identity: connect again with a valid token", true}
	case errors.Is(err, match.ErrUnavailable):
		return answer{protocol.CodeUnavailable, http.StatusServiceUnavailable, slog.LevelError,
			"the service cannot do this right now: try again in a moment", false}
	}
	return answer{protocol.CodeInternal, http.StatusInternalServerError, slog.LevelError,
		"something went wrong on the server: try again in a moment", false}
}
