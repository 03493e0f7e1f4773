package endpoint

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
)

// Faults are failures that have nothing to do with limits. Each is the
// probability, from 0 to 1, that it befalls a request; the sequence follows
// from [Config.Seed] and the order of arrival.
type Faults struct {
	ServerError  float64 // HTTP 500 in the dialect's words, after the limiters have charged the request
	Random429    float64 // a rate refusal at any rate; the limiters never see the request
	HTML503      float64 // a page from a proxy in front; the limiters never see the request
	EmptyBody    float64 // a refusal with status 429 has no body
	MissingUsage float64 // an answer without its token counts
	BrokenStream float64 // a stream under HTTP 200 ends in an error event after its first token
}

// luck is what befalls one request.
type luck struct {
	serverError, random429, htmlError, emptyBody, missingUsage, brokenStream bool
}

// draw takes as many numbers from r for every request, so that the sequence
// of one fault does not depend on the others.
func (f Faults) draw(r *rand.Rand) luck {
	hit := func(p float64) bool { return r.Float64() < p }
	return luck{
		serverError:  hit(f.ServerError),
		random429:    hit(f.Random429),
		htmlError:    hit(f.HTML503),
		emptyBody:    hit(f.EmptyBody),
		missingUsage: hit(f.MissingUsage),
		brokenStream: hit(f.BrokenStream),
	}
}

// Validate reports every probability that is none.
func (f Faults) Validate() error {
	var errs []error
	for _, x := range []struct {
		name string
		p    float64
	}{
		{"ServerError", f.ServerError}, {"Random429", f.Random429}, {"HTML503", f.HTML503},
		{"EmptyBody", f.EmptyBody}, {"MissingUsage", f.MissingUsage}, {"BrokenStream", f.BrokenStream},
	} {
		if !(x.p >= 0 && x.p <= 1) {
			errs = append(errs, fmt.Errorf("endpoint faults: %s must be from 0 to 1, got %v", x.name, x.p))
		}
	}
	return errors.Join(errs...)
}

// writeHTML503 is what a proxy says that reaches nobody behind it.
func writeHTML503(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = w.Write([]byte("<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n" +
		"<body>\r\n<center><h1>503 Service Temporarily Unavailable</h1></center>\r\n<hr><center>nginx</center>\r\n" +
		"</body>\r\n</html>\r\n"))
}
