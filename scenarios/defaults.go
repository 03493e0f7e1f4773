package scenarios

import (
	"net/url"

	"probe/scenarios/strictyaml"
)

// Embedded is the base_url that stands for the scenario's own endpoint.
const Embedded = "embedded"

// Kinds of target.
const (
	KindChat = "chat"
	KindHTTP = "http"
)

// Search methods.
const (
	MethodAdaptive  = "adaptive"
	MethodStaircase = "staircase"
)

// Defaults gives every field that is zero the value that a missing key means.
// [Load] and [Scenario.Set] have done so already.
func (s *Scenario) Defaults() {
	if len(s.Strategies) > 0 && s.Compare == nil {
		s.Compare = &Comparison{}
	}
	if err := strictyaml.Fill(s); err != nil {
		panic("scenarios: " + err.Error()) // a default tag of this package is wrong
	}
	s.defaultTarget()
	if len(s.LookFor) == 0 {
		s.LookFor = []string{"requests", "tokens"}
		if s.Target.Kind == KindHTTP {
			s.LookFor = []string{"requests"}
		}
	}
	if s.Search.Method == MethodStaircase && s.Search.Staircase == nil {
		s.Search.Staircase = defaultStaircase(s.Search)
	}
	if s.Endpoint != nil {
		defaultCharge(s.Endpoint.Limits)
		for _, m := range s.Endpoint.Models {
			defaultCharge(m.Limits)
		}
	}
	for i := range s.Strategies {
		if st := &s.Strategies[i]; st.Name == "" {
			st.Name = st.Chain
		}
	}
}

func defaultCharge(limits []EndpointLimit) {
	for i := range limits {
		if l := &limits[i]; l.Dimension == "tokens" && l.Charge == "" {
			l.Charge = "prompt_plus_completion"
		}
	}
}

func (s *Scenario) defaultTarget() {
	t := &s.Target
	if t.Kind == KindHTTP && t.HTTP == nil {
		t.HTTP = &HTTPRequest{Method: "GET"}
	}
	if t.Name != "" {
		return
	}
	if t.Name = t.Model; t.Kind == KindHTTP {
		t.Name = t.BaseURL
		if u, err := url.Parse(t.BaseURL); err == nil && u.Host != "" {
			t.Name = u.Host
		}
	}
}

// defaultStaircase doubles the rate from 1 request a second up to the most
// that the search may offer. Each stair lasts as long as the longest window
// that is looked for, but a minute at most, and rests for as long.
func defaultStaircase(s Search) *Staircase {
	const minute = Duration(60e9)
	stairs := &Staircase{Hold: min(minute, s.MaxWindow), Rest: min(minute, s.MaxWindow)}
	for rate := Quantity(1); rate < s.MaxRPS; rate *= 2 {
		stairs.RPS = append(stairs.RPS, rate)
	}
	stairs.RPS = append(stairs.RPS, s.MaxRPS)
	return stairs
}
