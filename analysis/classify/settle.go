package classify

import (
	"net/http"
	"regexp"
	"slices"

	"probe/analysis/exchange"
)

// longPeriod is the shortest window, in seconds, that makes a limit an
// allowance rather than a rate: the design's daily_quota begins at an hour.
const longPeriod = 3600

// settle corrects a verdict by the numbers that the answer discloses, which
// say more than its words, and fills in what is usual for its outcome.
// status is the HTTP status.
func settle(v *exchange.Verdict, d disclosure, status int) {
	if limit := d.exceeded(); limit != nil && byCount(v.Outcome) {
		switch {
		case limit.Limit != nil && *limit.Limit == 0:
			// No access rather than a rate: waiting never helps.
			v.Outcome, v.Recovers = exchange.Billing, exchange.RecoversNever
			v.Rule = "generic/limit-zero"
		case limit.Limit != nil && limit.Requested != nil && *limit.Requested > *limit.Limit:
			v.Recovers = exchange.RecoversNever
		case limit.Algorithm == "token_bucket":
			v.Recovers = exchange.RecoversRefill
		}
	}
	longWait := v.RetryAfterS != nil && *v.RetryAfterS >= longPeriod
	if longWait && v.Recovers != exchange.RecoversNever {
		switch v.Outcome {
		case exchange.RequestRate, exchange.TokenRate, exchange.Burst, exchange.Unclassified:
			v.Outcome = exchange.DailyQuota
			if v.Rule == "" {
				v.Rule = "generic/long-wait"
			}
		case exchange.Overload:
			// A server that is down for hours says 503. Who is told 429 and to
			// come back tomorrow has used something up, if only a pool's share.
			if status == http.StatusTooManyRequests {
				v.Outcome, v.Recovers = exchange.DailyQuota, ""
			}
		}
	}
	if v.Recovers == "" {
		v.Recovers = usualRecovery(v.Outcome)
	}
	v.Ambiguous = v.Ambiguous && v.Outcome == exchange.Unclassified
}

// A budget, spent, can be one of requests in a minute too. It is when the code
// says rate and the answer asks for a wait that fills no purse: then the words
// alone are no proof.
var rateWord = regexp.MustCompile(`rate_?limit|too_?many_?requests|throttl`)

func (r *reading) saysRate(status int, wait *float64) bool {
	return status == http.StatusTooManyRequests && wait != nil && *wait > 0 && *wait < longPeriod &&
		slices.ContainsFunc(r.words, rateWord.MatchString)
}

// doubtful takes a verdict's kind back and leaves what the answer discloses.
func doubtful(v exchange.Verdict) exchange.Verdict {
	return exchange.Verdict{
		Outcome: exchange.Unclassified, Rule: v.Rule, Ambiguous: true,
		RetryAfterS: v.RetryAfterS, Advertised: v.Advertised,
	}
}

// byCount reports whether an outcome is decided by counting, so that
// disclosed numbers can overrule it.
func byCount(o exchange.Outcome) bool {
	switch o {
	case exchange.RequestRate, exchange.TokenRate, exchange.Concurrency,
		exchange.DailyQuota, exchange.Unclassified:
		return true
	}
	return false
}

func usualRecovery(o exchange.Outcome) exchange.Recovers {
	switch o {
	case exchange.RequestRate, exchange.TokenRate:
		return exchange.RecoversWindow
	case exchange.Burst, exchange.Concurrency, exchange.Overload:
		return exchange.RecoversSeconds
	case exchange.DailyQuota:
		return exchange.RecoversCalendar
	case exchange.FreeQuota, exchange.Billing:
		return exchange.RecoversPayment
	case exchange.Auth, exchange.InvalidRequest, exchange.ContentFilter:
		return exchange.RecoversNever
	}
	return ""
}

func usualOwner(o exchange.Outcome) exchange.Whose {
	if o == exchange.Overload {
		return exchange.WhoseShared
	}
	return exchange.WhoseYours
}
