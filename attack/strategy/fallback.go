package strategy

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tidwall/sjson"

	"probe/analysis/exchange"
)

// fallbacks goes on to another model or endpoint when one fails.
type fallbacks struct {
	cfg  Config
	next http.RoundTripper
}

func newFallbacks(cfg Config, next http.RoundTripper) *fallbacks {
	return &fallbacks{cfg: cfg, next: next}
}

// RoundTrip implements [http.RoundTripper].
func (f *fallbacks) RoundTrip(req *http.Request) (*http.Response, error) {
	j := journeyOf(req)
	key, model := j.key, j.model
	defer func() { j.key, j.model = key, model }()
	for at := 0; ; {
		step := f.cfg.Fallback.Steps[at]
		out, err := f.rewrite(req, step)
		if err != nil {
			return nil, unsent{err}
		}
		j.key, j.model = cmp.Or(step.Key, key), cmp.Or(step.Model, model)
		resp, err := f.next.RoundTrip(out)
		following, ok := f.follow(at, j.verdict, err)
		if !ok {
			return resp, err
		}
		// Pacers on the way to the next step must know whose turn is asked for.
		j.model = cmp.Or(f.cfg.Fallback.Steps[following].Model, model)
		more, resp, err := j.again(out, 0, resp, err)
		if !more {
			return resp, err
		}
		at = following
	}
}

// follow returns the index of the step after step at, and false when the
// result stands. Rules lead forwards only, so every chain ends.
func (f *fallbacks) follow(at int, v exchange.Verdict, err error) (int, bool) {
	last := len(f.cfg.Fallback.Steps) - 1
	switch {
	case at == last, errors.Is(err, ErrDeadline), errors.Is(err, ErrAttempts):
		return 0, false
	case err != nil && !sent(err): // no turn or no key to be had here
		return at + 1, true
	}
	rule, ok := f.cfg.Fallback.Rules[v.Outcome]
	if !ok {
		rule = usual(v.Outcome)
	}
	switch rule {
	case Next:
		return at + 1, true
	case Stop:
		return 0, false
	}
	to := slices.IndexFunc(f.cfg.Fallback.Steps, func(s Step) bool { return s.name() == rule })
	return to, to > at
}

// usual returns the rule for an outcome that has none: stop where another
// model would not change the answer, and at a success.
func usual(o exchange.Outcome) string {
	switch o {
	case exchange.Success, exchange.Auth, exchange.InvalidRequest, exchange.ContentFilter:
		return Stop
	}
	return Next
}

// rewrite returns the request as it goes to a step.
func (f *fallbacks) rewrite(req *http.Request, s Step) (*http.Request, error) {
	out := req.WithContext(req.Context())
	out.Header = req.Header.Clone()
	if s.Model != "" && len(bodyOf(req)) > 0 {
		body, err := sjson.SetBytes(bodyOf(req), "model", s.Model)
		if err != nil {
			return nil, fmt.Errorf("fallback to %s: put the model into the body: %w", s.name(), err)
		}
		out = withBody(out, body)
	}
	if s.BaseURL != "" {
		if err := f.redirect(out, s); err != nil {
			return nil, fmt.Errorf("fallback to %s: %w", s.name(), err)
		}
	}
	if s.Key != "" {
		secret, err := f.cfg.Keys(s.Key)
		if err != nil {
			return nil, fmt.Errorf("fallback to %s: key %s: %w", s.name(), s.Key, err)
		}
		out.Header.Set("Authorization", "Bearer "+secret)
	}
	return out, nil
}

// redirect points the request at the step's endpoint. What authorizes it at
// its first host stays there.
func (f *fallbacks) redirect(req *http.Request, s Step) error {
	from, err := url.Parse(f.cfg.Fallback.BaseURL)
	if err != nil {
		return err
	}
	to, err := url.Parse(s.BaseURL)
	if err != nil {
		return err
	}
	path, ok := strings.CutPrefix(req.URL.Path, strings.TrimSuffix(from.Path, "/"))
	if !ok {
		return fmt.Errorf("the request's path does not begin with that of the base URL %s", from.Redacted())
	}
	if to.Host != req.URL.Host {
		for _, secret := range []string{"Authorization", "Api-Key", "X-Api-Key", "Cookie"} {
			req.Header.Del(secret)
		}
	}
	u := *req.URL
	u.Scheme, u.Host, u.RawPath = to.Scheme, to.Host, ""
	u.Path = strings.TrimSuffix(to.Path, "/") + path
	req.URL, req.Host = &u, to.Host
	return nil
}
