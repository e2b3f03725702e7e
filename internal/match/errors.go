package match

import "errors"

// ErrUnavailable is an error of the cache: what was asked may have been done or
// not, and may be asked again.
var ErrUnavailable = errors.New("the cache cannot be reached")
