package scenarios

import (
	"fmt"
	"slices"
	"strings"
)

func (c *checker) endpoint() {
	if c.Endpoint == nil {
		return
	}
	if c.Endpoint.Native && c.Endpoint.Dialect != "alibaba" {
		c.fail("endpoint.native", "native: only dialect: alibaba has native bodies")
	}
	for i, l := range c.Endpoint.Limits {
		c.limit(fmt.Sprintf("endpoint.limits[%d]", i), l)
	}
	for i, m := range c.Endpoint.Models {
		for j, l := range m.Limits {
			c.limit(fmt.Sprintf("endpoint.models[%d].limits[%d]", i, j), l)
		}
	}
	seen := map[string]bool{}
	for i, a := range c.Endpoint.Accounts {
		at := fmt.Sprintf("endpoint.accounts[%d].key", i)
		if seen[a.Key] {
			c.fail(at, "key: two accounts have this key")
		}
		seen[a.Key] = true
		if !printableKey(a.Key) {
			c.fail(at, "key: a key has printable ASCII characters only, no spaces")
		}
	}
}

// limitKeys says which algorithms read a key.
var limitKeys = []struct {
	key        string
	given      func(EndpointLimit) bool
	algorithms []string
}{
	{"burst", func(l EndpointLimit) bool { return l.Burst != 0 }, []string{"token_bucket", "leaky_bucket"}},
	{"refill_every", func(l EndpointLimit) bool { return l.RefillEvery != 0 }, []string{"token_bucket", "leaky_bucket"}},
	{"aligned", func(l EndpointLimit) bool { return l.Aligned }, []string{"fixed_window", "sliding_counter"}},
	{"phase", func(l EndpointLimit) bool { return l.Phase != 0 }, []string{"fixed_window", "sliding_counter"}},
	{"round", func(l EndpointLimit) bool { return l.Round != "" }, []string{"sliding_counter"}},
	{"hot", func(l EndpointLimit) bool { return l.Hot != 0 }, []string{"ramp"}},
	{"warm_up", func(l EndpointLimit) bool { return l.WarmUp != 0 }, []string{"ramp"}},
	{"idle", func(l EndpointLimit) bool { return l.Idle != 0 }, []string{"ramp"}},
	{"window", func(l EndpointLimit) bool { return l.Window != 0 }, []string{
		"sliding_log", "sliding_counter", "fixed_window", "token_bucket", "leaky_bucket", "ramp"}},
}

func (c *checker) limit(at string, l EndpointLimit) {
	for _, k := range limitKeys {
		if k.given(l) && !slices.Contains(k.algorithms, l.Algorithm) {
			c.fail(at+"."+k.key, "%s: %s does not read it; only: %s", k.key, l.Algorithm, strings.Join(k.algorithms, ", "))
		}
	}
	windowless := l.Algorithm == "concurrency" || l.Algorithm == "quota"
	if l.Window == 0 && !windowless {
		c.fail(at+".window", "missing key %q in %s; %s needs one, such as 60s", "window", at, l.Algorithm)
	}
	if l.Phase != 0 && !l.Aligned {
		c.fail(at+".phase", "phase: is read only with aligned: true")
	}
	if l.Phase >= l.Window && l.Phase != 0 && l.Window != 0 {
		c.fail(at+".phase", "phase: must be below window (%v)", l.Window)
	}
	if l.Hot != 0 && l.Hot < l.Amount {
		c.fail(at+".hot", "hot: %v must not be below amount (%v)", l.Hot, l.Amount)
	}
	if l.Algorithm == "concurrency" && l.Dimension == "tokens" {
		c.fail(at+".dimension", "dimension: concurrency counts requests")
	}
	if l.Dimension == "tokens" {
		return
	}
	if l.Charge != "" {
		c.fail(at+".charge", "charge: is read only with dimension: tokens")
	}
	if l.ChargeAfter {
		c.fail(at+".charge_after", "charge_after: is read only with dimension: tokens")
	}
}
