package attack

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"probe/analysis/classify"
	"probe/analysis/exchange"
	"probe/scenarios"
	"probe/scenarios/providers"
)

// A Classifier says what one answer means. It is called from many goroutines
// at once, for answers that came: what failed on the way is judged by this
// package.
type Classifier func(classify.Answer) exchange.Verdict

// A Sink takes every exchange as it completes, one at a time. An error ends
// the stage and the run: what cannot be recorded must not be spent.
type Sink func(exchange.Exchange) error

// An Announcement says that an attempt is about to be sent, and the most that
// it can use.
type Announcement struct {
	Seq                uint64
	Prompt, Completion int64 // tokens
}

// The kinds of target.
const (
	KindChat = "chat" // OpenAI chat completions
	KindHTTP = "http" // any HTTP service; nothing is known of tokens
)

// Config configures an [Attacker]. Fields without a default must be set.
type Config struct {
	Target  string // name of the target, for the record
	BaseURL string // up to and including /v1
	Model   string
	Kind    string // KindChat or KindHTTP; default KindChat
	Stream  bool   // ask for server-sent events
	// API is how KindChat asks: the dialect of the body, the path, and further
	// headers. Default: chat completions as OpenAI has them. Its headers for
	// the key are not looked at; see AuthHeader.
	API providers.API
	// Usage are dotted paths to the token counts of an answer, for those that
	// are under names of their own. Default: the names that all known providers use.
	Usage *providers.UsageFields
	// Headers go out with every request, in addition to those that the kind
	// needs and in place of them where the names are the same.
	Headers map[string]string
	// HTTP is what KindHTTP sends.
	HTTP scenarios.HTTPRequest

	// Keys are the names of the keys. A stage without a key uses the first; a
	// target that needs no key has none.
	Keys []string
	// Reveal returns the key of the given name. It is asked once per name.
	Reveal     func(name string) (string, error)
	AuthHeader string // default Authorization
	AuthPrefix string // default "Bearer " for the header Authorization, else empty

	// Timeout bounds one attempt from sending to the complete answer, in
	// endpoint time; default 60 s. It never comes out below a second of the
	// wall's clock, because the network is no faster when the endpoint is.
	Timeout time.Duration
	// Grace is how long requests in flight may go on when a stage is
	// cancelled, by the wall's clock; default 2 s. Negative: not at all.
	Grace time.Duration
	// ServerClockHeader names the response header in which the server says
	// when the request arrived, in milliseconds since 1970. Empty: none.
	ServerClockHeader string

	Classify Classifier
	Budget   *Budget // default: without bounds
	Sink     Sink    // default: none
	// Announce, if set, is told of every attempt before it is sent, so that a
	// run that is killed knows afterwards what was in flight.
	Announce func(Announcement) error

	// Calibrator knows how many tokens the words of a prompt are; default: one
	// that has yet to learn it.
	Calibrator *Calibrator

	Clock Clock         // default: starts with the Attacker, at speed 1
	After time.Duration // when the last stage of a resumed run ended

	Seed     uint64 // of the prompts
	FirstSeq uint64 // number of the first attempt; above 0 in a resumed run

	// Transport carries the requests; default: one from [NewTransport].
	Transport http.RoundTripper
	// Wrap puts a strategy around the transport. Each of its attempts is
	// recorded and comes out of the budget by itself.
	Wrap func(http.RoundTripper) http.RoundTripper

	// MaxWorkers is the most requests in flight; default 10,000.
	MaxWorkers uint64
	// Tolerance is how late requests may go out; zero fields have defaults.
	Tolerance Tolerance
}

// withDefaults fills in what the configuration leaves open.
func (c Config) withDefaults() Config {
	c.Kind = cmp.Or(c.Kind, KindChat)
	c.API.Name = cmp.Or(c.API.Name, providers.ChatCompletions)
	c.API.Path = cmp.Or(c.API.Path, providers.DefaultChatPath)
	c.HTTP.Method = cmp.Or(c.HTTP.Method, http.MethodGet)
	if c.AuthHeader == "" {
		c.AuthHeader = "Authorization"
	}
	if c.AuthPrefix == "" && strings.EqualFold(c.AuthHeader, "Authorization") {
		c.AuthPrefix = "Bearer "
	}
	c.Timeout = cmp.Or(c.Timeout, 60*time.Second)
	c.Grace = cmp.Or(c.Grace, 2*time.Second)
	c.MaxWorkers = cmp.Or(c.MaxWorkers, 10_000)
	if c.Budget == nil {
		c.Budget = NewBudget(Limits{}, Spent{}, nil)
	}
	if c.Clock.speed == 0 {
		c.Clock = NewClock(time.Now(), 1)
	}
	if c.Calibrator == nil {
		c.Calibrator = NewCalibrator()
	}
	if c.Transport == nil {
		c.Transport = NewTransport()
	}
	c.Tolerance = c.Tolerance.withDefaults()
	return c
}

// check reports what makes a configuration impossible. Defaults are filled in.
func (c Config) check() error {
	switch {
	case c.Classify == nil:
		return errors.New("attack: a classifier is needed")
	case c.Kind != KindChat && c.Kind != KindHTTP:
		return fmt.Errorf("attack: kind %q: allowed are %s, %s", c.Kind, KindChat, KindHTTP)
	case c.Kind == KindChat && dialects[c.API.Name] == nil:
		return fmt.Errorf("attack: API %q: allowed are %s", c.API.Name, strings.Join(slices.Sorted(maps.Keys(dialects)), ", "))
	case c.Kind == KindChat && c.Model == "":
		return errors.New("attack: a chat target needs a model")
	case len(c.Keys) > 0 && c.Reveal == nil:
		return errors.New("attack: keys are named, but nothing reveals them")
	case c.Timeout < 0:
		return fmt.Errorf("attack: timeout %v: must not be negative", c.Timeout)
	}
	for name := range c.Headers {
		// The host decides who gets the key, so there is one place to set it.
		if strings.EqualFold(name, "Host") {
			return errors.New("attack: header Host cannot be set: it is the base URL's")
		}
	}
	return nil
}

// endpointURL returns the URL that the requests go to, and checks it. Errors
// do not repeat the URL, which may hold a password.
func (c Config) endpointURL() (*url.URL, error) {
	raw := strings.TrimRight(c.BaseURL, "/")
	if c.Kind == KindChat {
		raw += "/" + strings.TrimLeft(c.API.Path, "/")
	} else if path := c.HTTP.Path; path != "" {
		raw += "/" + strings.TrimLeft(path, "/")
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("attack: base URL and path do not make a URL")
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errors.New("attack: base URL must begin with http:// or https:// and name a host")
	}
	if u.User != nil {
		return nil, errors.New("attack: base URL must not hold a user or password: name a key instead")
	}
	return u, nil
}
