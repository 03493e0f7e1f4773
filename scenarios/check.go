package scenarios

import (
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// A checker collects mistakes that only show when several keys are read
// together, each at the value that should change.
type checker struct {
	*Scenario
	errs Errors
}

func (c *checker) fail(path, format string, args ...any) {
	c.errs = append(c.errs, c.doc.Errorf(path, format, args...))
}

// check finds what is impossible about a scenario, wherever it is run.
func (s *Scenario) check() Errors {
	c := &checker{Scenario: s}
	c.name()
	c.target()
	c.http()
	c.keys()
	c.lookFor()
	c.search()
	c.staircase()
	c.prices()
	c.endpoint()
	c.compare()
	return c.errs
}

var (
	nameRE = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	envRE  = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	hostRE = regexp.MustCompile(`^[A-Za-z0-9_.:-]+$`)
)

func (c *checker) name() {
	if c.Name != "" && !nameRE.MatchString(c.Name) {
		c.fail("name", "name: %q names a folder: use letters, digits, dots, dashes and underscores, at most 64", clip(c.Name))
	}
}

func (c *checker) target() {
	t := c.Target
	switch {
	case t.BaseURL == "":
	case t.BaseURL == Embedded:
		if c.Endpoint == nil {
			c.fail("target.base_url", "base_url: embedded needs endpoint: with the limits that it is to have")
		}
	default:
		if why := wrongURL(t.BaseURL); why != "" {
			c.fail("target.base_url", "base_url: %s; want a URL such as https://host/v1, or embedded", why)
		}
	}
	for header := range t.Headers {
		switch strings.ToLower(header) {
		case "authorization", "api-key", "x-api-key", "proxy-authorization", "cookie":
			c.fail("target.headers."+header, "headers: %s would carry a key; name it under keys: (env or file)", header)
		}
	}
	if t.Speed > 1e6 || t.Speed < 1e-3 {
		c.fail("target.speed", "speed: want a factor from 0.001 to 1000000, got %v", t.Speed)
	}
}

// wrongURL says what is wrong about a base URL; it never repeats credentials.
func wrongURL(text string) string {
	u, err := url.Parse(text)
	switch {
	case strings.ContainsAny(text, "{}<>"):
		return "this has a placeholder to fill in"
	case err != nil:
		return "this is no URL"
	case u.User != nil:
		return "a URL must not carry credentials"
	case u.RawQuery != "" || u.Fragment != "":
		return "a base URL has no query and no fragment"
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Sprintf("scheme %q is neither http nor https", clip(u.Scheme))
	case u.Hostname() == "":
		return "the host is missing"
	case !hostRE.MatchString(u.Hostname()):
		return fmt.Sprintf("%q is no host name", clip(u.Hostname()))
	}
	return ""
}

// Loopback reports whether requests stay on this machine: the embedded
// endpoint, localhost, or an address of the loopback network.
func (t Target) Loopback() bool {
	if t.BaseURL == Embedded {
		return true
	}
	u, err := url.Parse(t.BaseURL)
	if err != nil {
		return false
	}
	if u.Hostname() == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(u.Hostname())
	return err == nil && addr.IsLoopback()
}

func (c *checker) http() {
	t := c.Target
	if t.Kind != KindHTTP {
		if t.HTTP != nil {
			c.fail("target.http", "http: is read only with kind: http")
		}
		return
	}
	if t.Stream {
		c.fail("target.stream", "stream: only kind: chat can be streamed")
	}
	if t.API != "" {
		c.fail("target.api", "api: only kind: chat has a dialect")
	}
	if p := t.HTTP.Path; p != "" && p[0] != '/' && p[0] != '?' {
		c.fail("target.http.path", "path: must start with / or ?")
	}
}

func (c *checker) keys() {
	seen := map[string]bool{}
	for i, k := range c.Keys {
		at := fmt.Sprintf("keys[%d]", i)
		if k.Name != "" && seen[k.Name] {
			c.fail(at+".name", "name: two keys have this name; results are told apart by it")
		}
		seen[k.Name] = true
		if k.Env == "" && k.File == "" && k.Embedded == "" {
			c.fail(at, "%s: want env: (a variable), file: (a path) or embedded: (a made-up key for loopback)", at)
		}
		// The value is not repeated: people paste the key itself here.
		if k.Env != "" && !envRE.MatchString(k.Env) {
			c.fail(at+".env", "env: want the name of an environment variable, such as DASHSCOPE_API_KEY, not the key itself")
		}
		if k.Embedded != "" && !printableKey(k.Embedded) {
			c.fail(at+".embedded", "embedded: a key has printable ASCII characters only, no spaces")
		}
	}
}

func (c *checker) lookFor() {
	for i, what := range c.LookFor {
		at := fmt.Sprintf("look_for[%d]", i)
		if slices.Contains(c.LookFor[:i], what) {
			c.fail(at, "look_for: %s stands twice", what)
		}
		if c.Target.Kind == KindHTTP && (what == "tokens" || what == "free_quota") {
			c.fail(at, "look_for: kind: http has no tokens; allowed: requests, burst")
		}
	}
}
