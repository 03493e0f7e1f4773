package classify

import (
	"regexp"
	"strings"

	"probe/analysis/exchange"
)

// Google names a quota by an identifier that carries everything its message
// leaves out: GenerateRequestsPerDayPerProjectPerModel-FreeTier.
var (
	perPeriod   = regexp.MustCompile(`(?i)per_?(second|minute|hour|day|week|month)`)
	metricLimit = newFinder(`quota exceeded for (?:quota )?metric:?\s*'?([\w./ -]+?)'?,?\s+(?:and limit '[^']*' of service|limit:\s*(\d+))`)
)

// quotaMembers are the members of an object that describes a quota.
var quotaMembers = map[string]bool{
	"quotaid": true, "quotametric": true, "quotavalue": true,
	"quota_limit": true, "quota_metric": true, "quota_limit_value": true,
}

// quotas reads the objects that describe a quota; several can stand in one
// answer. Without any, the metric and limit that the message names.
func (r *reading) quotas() []exchange.Advertised {
	var out []exchange.Advertised
	for _, o := range r.objects {
		id := o["quotaid"] + o["quota_limit"]
		metric := o["quotametric"] + o["quota_metric"]
		a := exchange.Advertised{Source: "message", Dimension: quotaDimension(id + " " + metric)}
		if m := perPeriod.FindStringSubmatch(id); m != nil {
			a.WindowS = unitSeconds(m[1])
		}
		value := o["quotavalue"] + o["quota_limit_value"]
		if x, ok := number(value, ""); ok {
			a.Limit = &x
		} else if x, ok := r.metricLimit(metric); ok {
			a.Limit = &x
		}
		if id != "" {
			out = append(out, a)
		}
	}
	if len(out) > 0 {
		return out
	}
	metrics := metricLimit.search(r.message)
	for _, m := range metrics.all(0, 8, nil) {
		x, ok := number(metrics.submatch(m, 2), "")
		a := exchange.Advertised{Source: "message", Dimension: quotaDimension(metrics.submatch(m, 1)), Limit: &x}
		if ok && !(disclosure{limits: out}).has(a) {
			out = append(out, a)
		}
	}
	return out
}

// metricLimit finds the limit that the message gives for a metric.
func (r *reading) metricLimit(metric string) (float64, bool) {
	metrics := metricLimit.search(r.message)
	for _, m := range metrics.all(0, 8, nil) {
		if metric != "" && strings.EqualFold(metrics.submatch(m, 1), metric) {
			return number(metrics.submatch(m, 2), "")
		}
	}
	return 0, false
}

func quotaDimension(id string) string {
	low := strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.ToLower(id))
	switch {
	case strings.Contains(low, "concurrent"), strings.Contains(low, "session"):
		return "concurrency"
	case strings.Contains(low, "inputtoken"):
		return "input_tokens"
	case strings.Contains(low, "outputtoken"):
		return "output_tokens"
	case strings.Contains(low, "token"):
		return "tokens"
	}
	return "requests"
}
