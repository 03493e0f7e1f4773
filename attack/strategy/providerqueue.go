package strategy

import (
	"math"
	"net/http"
	"strconv"
)

// WaitHeader asks Alibaba Model Studio to hold a request that would meet burst
// protection, for that many seconds, instead of refusing it. Limits per minute
// and per second are not affected. Source: Model Studio, "Rate limiting best
// practices", 2 September 2026.
const WaitHeader = "X-DashScope-Wait-Timeout"

// providerQueue adds WaitHeader unless the request has one.
type providerQueue struct {
	cfg  ProviderQueue
	next http.RoundTripper
}

// RoundTrip implements [http.RoundTripper].
func (p *providerQueue) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Header.Get(WaitHeader) != "" {
		return p.next.RoundTrip(req)
	}
	out := req.WithContext(req.Context())
	out.Header = req.Header.Clone()
	// The endpoint's own clock counts these seconds, whatever its speed.
	out.Header.Set(WaitHeader, strconv.Itoa(int(math.Ceil(p.cfg.Wait.Seconds()))))
	return p.next.RoundTrip(out)
}
