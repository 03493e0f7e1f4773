package classify

import "net/http"

// An Answer is what came back for one request, as far as it came back.
type Answer struct {
	// Status is the HTTP status, 0 when there was no HTTP answer.
	Status int
	// Header is the response header. Names in any letter case are found.
	Header http.Header
	// Body is the body as received. For server-sent events it is the raw
	// stream up to the error, comments such as ":HTTP_STATUS/429" included.
	Body []byte
	// SSE says that the answer was a stream of server-sent events. A body
	// that looks like one is read as one even when SSE is false.
	SSE bool
	// Err is the transport's error, if any: no answer, or one that broke off.
	Err error
}
