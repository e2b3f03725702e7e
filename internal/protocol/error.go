package protocol

// NewError returns the answer to the message with this id, "" where it has
// none or none that could be read. The text is for the client: what was wrong
// and what is allowed. Retryable is the code's default.
func NewError(code Code, id, message string) *Error {
	return &Error{ID: id, Code: code, Message: message, Retryable: DefaultRetryable(code)}
}

// DefaultRetryable says whether the same message may succeed later, as far as
// the code alone tells. A caller that knows better sets Error.Retryable: a
// conflict with a match under way does not pass by waiting.
func DefaultRetryable(code Code) bool {
	switch code {
	case CodeRateLimited, CodeUnavailable, CodeInternal:
		return true
	}
	return false
}
