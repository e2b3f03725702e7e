package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
)

// InvokePath is where functions are invoked, as in Lambda's API.
const InvokePath = "POST /2015-03-31/functions/{name}/invocations"

// An Invoker invokes functions: either runtime.
type Invoker interface {
	Invoke(ctx context.Context, function string, payload []byte) ([]byte, error)
}

// ServeInvoke serves InvokePath: see "Invoke" in Lambda's API reference. The name may be an ARN. Only
// invocations that wait for the result are served. It verifies no signature. So a request with an
// Origin, which a page of a browser has sent, is refused.
func ServeInvoke(functions Invoker) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		refuse := func(status int, kind, text string) {
			w.Header().Set("X-Amzn-Errortype", kind)
			answer(w, status, map[string]string{"Type": "User", "Message": text})
		}
		if r.Header["Origin"] != nil {
			refuse(http.StatusForbidden, "AccessDeniedException", "pages of browsers may not invoke functions")
			return
		}
		if how := r.Header.Get("X-Amz-Invocation-Type"); how != "" && how != "RequestResponse" {
			refuse(http.StatusBadRequest, "InvalidParameterValueException", "the invocation type must be RequestResponse")
			return
		}
		payload, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxResult))
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			refuse(http.StatusRequestEntityTooLarge, "RequestTooLargeException", "the payload is over 6 MB")
			return
		}
		if err != nil || len(payload) > 0 && !json.Valid(payload) {
			refuse(http.StatusBadRequest, "InvalidRequestContentException", "the payload must be JSON")
			return
		}
		if len(payload) == 0 {
			payload = []byte("{}")
		}
		name := r.PathValue("name")
		name = name[strings.LastIndex(name, ":")+1:]
		result, err := functions.Invoke(r.Context(), name, payload)
		var failed *FunctionError
		switch {
		case errors.As(err, &failed):
			w.Header().Set("X-Amz-Function-Error", "Unhandled")
			result, _ = json.Marshal(map[string]string{"errorType": failed.Type, "errorMessage": failed.Message})
		case errors.Is(err, ErrThrottled):
			refuse(http.StatusTooManyRequests, "TooManyRequestsException", "Rate Exceeded.")
			return
		case errors.Is(err, errNoFunction):
			refuse(http.StatusNotFound, "ResourceNotFoundException", "Function not found: "+arn(name))
			return
		case err != nil:
			refuse(http.StatusInternalServerError, "ServiceException", "the function could not be invoked")
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Amz-Executed-Version", "$LATEST")
		_, _ = w.Write(result) // fails if the caller has gone
	}
}
