package main

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

const matchFunction = "/2015-03-31/functions/match/invocations"

// invoke invokes a function, with these headers by turns.
func (s *testStack) invoke(path, payload string, headers ...string) (status int, header http.Header, body string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.base+path, strings.NewReader(payload))
	if err != nil {
		s.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer.StatusCode, answer.Header, string(text)
}

func TestABackEndInvokesAFunctionAsOnLambda(t *testing.T) {
	eachRuntime(t, func(t *testing.T, runtime ...string) {
		s := runStack(t, runtime...)
		hello(t, s.join("ana"))
		get := `{"verb":"member.get","pool":"default","member":"ana"}`
		for name, test := range map[string]struct {
			path, payload string
			headers       []string
			status        int
			kind, body    string
		}{
			"a verb":                         {matchFunction, get, nil, 200, "", `{"type":"member","pool":"default","member":"ana",`},
			"a verb, waiting for the result": {matchFunction, get, []string{"X-Amz-Invocation-Type", "RequestResponse"}, 200, "", `{"type":"member",`},
			"a function by its ARN":          {"/2015-03-31/functions/arn:aws:lambda:us-east-1:000000000000:function:match/invocations", get, nil, 200, "", `{"type":"member",`},
			"no payload":                     {matchFunction, "", nil, 200, "", `{"type":"error","code":"unknown_action","message":"verb is required: `},
			"a function without verbs": {strings.Replace(matchFunction, "match", "location", 1), get, nil, 200, "Unhandled",
				`{"errorMessage":"not an event of a WebSocket API: it has no routeKey","errorType":"errorString"}`},
			"an unknown function": {strings.Replace(matchFunction, "match", "dance", 1), get, nil, 404, "ResourceNotFoundException", `{"Message":"Function not found: arn:`},
			"another kind":        {matchFunction, get, []string{"X-Amz-Invocation-Type", "Event"}, 400, "InvalidParameterValueException", `{"Message":"the invocation type must be RequestResponse"`},
			"no JSON":             {matchFunction, "{", nil, 400, "InvalidRequestContentException", `{"Message":"the payload must be JSON"`},
			"over 6 MB":           {matchFunction, `"` + strings.Repeat("a", 6<<20) + `"`, nil, 413, "RequestTooLargeException", `{"Message":"the payload is over 6 MB"`},
			"a page":              {matchFunction, get, []string{"Origin", s.base}, 403, "AccessDeniedException", `{"Message":"pages of browsers may not invoke functions"`},
		} {
			t.Run(name, func(t *testing.T) {
				status, header, body := s.invoke(test.path, test.payload, test.headers...)
				kind := header.Get("X-Amzn-Errortype") + header.Get("X-Amz-Function-Error")
				if status != test.status || kind != test.kind || !strings.HasPrefix(body, test.body) {
					t.Errorf("got %d %s %s", status, kind, body)
				}
				if version := header.Get("X-Amz-Executed-Version"); (version == "$LATEST") != (status == 200) {
					t.Errorf("got the version %q", version)
				}
			})
		}
	})
}

// Who may invoke is the back end. On one machine that is whoever runs a program there.
func TestOtherMachinesInvokeNoFunction(t *testing.T) {
	for _, flags := range [][]string{nil, {"-insecure-tokens"}} {
		s := runStack(t, append(flags, "-addr", "0.0.0.0:0")...)
		if status, _, body := s.invoke(matchFunction, `{}`); status != http.StatusNotFound && status != http.StatusMethodNotAllowed {
			t.Errorf("%v: got %d %s", flags, status, body)
		}
	}
	s := runStack(t)
	for from, want := range map[string]int{"Host: evil.example": 421, "Host: localhost\nOrigin: http://evil.example": 403, "Host: localhost\nOrigin: http://localhost": 403} {
		if status, body := s.raw("POST " + matchFunction + " HTTP/1.1\n" + from + "\nContent-Length: 0"); status != want {
			t.Errorf("%s: got %d %s", from, status, body)
		}
	}
}
