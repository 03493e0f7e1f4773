package classify

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"os"
	"regexp"
	"strings"

	"probe/analysis/exchange"
	"probe/scenarios/providers"
)

// Signs are the profiles that an answer gives away; any may be nil.
type signs struct {
	header   *compiled // by a header: who sent the answer
	gateway  *compiled // by the body: a gateway
	provider *compiled // by the body: a provider, possibly behind a gateway
}

// detectable bounds what is searched for signs.
const detectable = 32 << 10

// signs looks for what tells the sender. The body of a success is not looked
// at: it is the model's.
func (c *Classifier) signs(r *reading, failed bool) signs {
	s := signs{header: c.known.byHeader(r.header)}
	if failed {
		found := c.known.bodies().Match(r.raw[:min(len(r.raw), detectable)])
		s.gateway = c.known.byBody(found, providers.KindGateway)
		s.provider = c.known.byBody(found, providers.KindProvider)
	}
	return s
}

// sender is the named profile, or the recognised one.
func (c *Classifier) sender(s signs) *compiled {
	return cmp.Or(c.profile, s.header, s.gateway, s.provider)
}

// decide finds the rule that holds, from the most specific source of
// knowledge to the least.
func (c *Classifier) decide(a Answer, r *reading, s signs, limits []exchange.Advertised, d disclosure) exchange.Verdict {
	if a.Err != nil && a.Status < 400 && !r.failed {
		return exchange.Verdict{Outcome: transportOutcome(a.Err), Rule: "generic/transport"}
	}
	sender := c.sender(s)
	if sender != nil {
		if rule := sender.match(r); rule != nil {
			return c.settled(rule, r, limits)
		}
		// What stands behind a gateway or a plain server speaks for itself.
		if s.provider != nil && sender.Kind != providers.KindProvider {
			if rule := s.provider.match(r); rule != nil {
				return c.settled(rule, r, limits)
			}
		}
	}
	if v, ok := d.verdict(); ok {
		return v
	}
	if rule := c.generic.match(r); rule != nil {
		v := c.settled(rule, r, limits)
		if d.divided() && len(rule.Code) == 0 && byPeriod(v.Outcome) {
			v = c.settled(&several, r, limits)
		}
		return v
	}
	if v, ok := exhausted(r.effective(), limits); ok {
		return v
	}
	return byStatus(r.effective())
}

// several stands for an answer that lists limits of several kinds and does not
// say which of them was exceeded: the first one named is no better a guess
// than the last.
var several = providers.Rule{Name: "several-limits", Profile: providers.Generic, Outcome: string(exchange.Unclassified), Ambiguous: true}

// byPeriod reports whether an outcome is told from others of its kind by what
// is counted and over which period.
func byPeriod(o exchange.Outcome) bool {
	return o == exchange.RequestRate || o == exchange.TokenRate || o == exchange.DailyQuota
}

// settled turns a rule into a verdict. What its words leave open the headers
// may tell; what they leave open too is for behaviour to settle.
func (c *Classifier) settled(rule *providers.Rule, r *reading, limits []exchange.Advertised) exchange.Verdict {
	if rule.Ambiguous {
		if v, ok := exhausted(r.effective(), limits); ok {
			return v
		}
	}
	return verdict(rule)
}

// verdict turns a rule into a verdict.
func verdict(rule *providers.Rule) exchange.Verdict {
	return exchange.Verdict{
		Outcome:  exchange.Outcome(rule.Outcome),
		Rule:     rule.ID(),
		Recovers: exchange.Recovers(rule.Recovers),
		Whose:    exchange.Whose(rule.Whose),

		Ambiguous: rule.Ambiguous,
	}
}

// quoted recognises an error that a gateway passes on in words of its own.
var quoted = regexp.MustCompile(`\b[A-Z]\w*Exception\b|(?i:\b(?:upstream|provider) (?:error|returned))`)

// owner tells a gateway's own limit from one that it passes on: by the rule
// that decided, or by what the answer quotes. Empty without a gateway.
func (c *Classifier) owner(r *reading, s signs, v exchange.Verdict) exchange.Whose {
	sender := c.sender(s)
	switch {
	case sender == nil || sender.Kind != providers.KindGateway:
		return ""
	case strings.HasPrefix(v.Rule, sender.Name+"/"):
		return exchange.WhoseGateway
	case s.provider != nil, r.first("provider") != "", r.first("provider_name") != "", quoted.MatchString(r.message):
		return exchange.WhoseUpstream
	}
	return exchange.WhoseGateway
}

// limited reports whether an outcome is somebody's limit or shortage, so that
// it matters whose.
func limited(o exchange.Outcome) bool {
	switch o {
	case exchange.RequestRate, exchange.TokenRate, exchange.Burst, exchange.FreeQuota,
		exchange.Concurrency, exchange.DailyQuota, exchange.Billing, exchange.Overload:
		return true
	}
	return false
}

func transportOutcome(err error) exchange.Outcome {
	var timed interface{ Timeout() bool }
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) ||
		errors.As(err, &timed) && timed.Timeout() {
		return exchange.Timeout
	}
	return exchange.Transport
}

// exhausted reads the refusal off the headers: of several limits exactly one
// kind has nothing left.
func exhausted(status int, limits []exchange.Advertised) (exchange.Verdict, bool) {
	if status != http.StatusTooManyRequests && status != http.StatusServiceUnavailable {
		return exchange.Verdict{}, false
	}
	var v exchange.Verdict
	for _, a := range limits {
		if a.Remaining == nil || *a.Remaining > 0 {
			continue
		}
		o := outcomeOf(a)
		if o == "" || (v.Outcome != "" && v.Outcome != o) {
			return exchange.Verdict{}, false
		}
		v = exchange.Verdict{Outcome: o, Rule: "generic/exhausted-header"}
	}
	return v, v.Outcome != ""
}

// outcomeOf names the refusal by a limit.
func outcomeOf(a exchange.Advertised) exchange.Outcome {
	switch {
	case a.Dimension == "concurrency":
		return exchange.Concurrency
	case a.WindowS >= longPeriod:
		return exchange.DailyQuota
	case a.Dimension == "requests":
		return exchange.RequestRate
	case strings.HasSuffix(a.Dimension, "tokens"):
		return exchange.TokenRate
	}
	return ""
}

// byStatus is the last resort. A bare 429 or 503 does not say which limit it
// is, so it stays unclassified.
func byStatus(status int) exchange.Verdict {
	v := exchange.Verdict{Rule: "generic/status"}
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status == http.StatusProxyAuthRequired:
		v.Outcome = exchange.Auth
	case status == http.StatusPaymentRequired:
		v.Outcome = exchange.Billing
	case status == http.StatusRequestTimeout, status == http.StatusGatewayTimeout, status == 522, status == 524,
		status == 598, status == 599:
		v.Outcome = exchange.Timeout
	case status == 529:
		v.Outcome = exchange.Overload
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable,
		status == http.StatusPreconditionFailed, status < 400,
		status == 420, status == 509: // some limit, as older services say it
		return exchange.Verdict{Outcome: exchange.Unclassified}
	case status >= 500, status == http.StatusFailedDependency:
		v.Outcome = exchange.Server
	default:
		v.Outcome = exchange.InvalidRequest
	}
	return v
}
