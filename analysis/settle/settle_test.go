package settle_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"probe/analysis/exchange"
	"probe/analysis/settle"
)

const window = 10 * time.Second

// A log is written as one rune a second: "." nothing is sent, "a" admitted,
// any other letter a refusal of the outcome below. A capital is a request of
// ten times the tokens.
var letters = map[rune]exchange.Outcome{
	'a': exchange.Success, 'r': exchange.RequestRate, 't': exchange.TokenRate, 'f': exchange.FreeQuota,
	'b': exchange.Billing, 'd': exchange.DailyQuota, 'c': exchange.Concurrency, 'u': exchange.Unclassified, 'q': "ambiguous",
}

func log(text string) []exchange.Exchange {
	var xs []exchange.Exchange
	for second, r := range text {
		small := r | 0x20
		outcome, ok := letters[small]
		if !ok {
			continue
		}
		sent := time.Duration(second) * time.Second
		x := exchange.Exchange{
			Seq: uint64(len(xs)), Key: "main", Sent: sent, Done: sent + 100*time.Millisecond, PromptTokens: 100,
			Verdict: exchange.Verdict{Outcome: outcome, Rule: "p/" + string(outcome)},
		}
		if small == 'q' {
			x.Outcome, x.Ambiguous = exchange.Unclassified, true
		}
		if r != small {
			x.PromptTokens = 1000
		}
		xs = append(xs, x)
	}
	return xs
}

// short writes outcomes as [log] reads them.
func short(xs []exchange.Exchange) string {
	var b strings.Builder
	for _, x := range xs {
		for r, o := range letters {
			if o == x.Outcome {
				b.WriteRune(r)
			}
		}
	}
	return b.String()
}

func TestExchanges(t *testing.T) {
	gone := strings.Repeat("r.........", 4) // a request each window, refused
	for _, tc := range []struct{ name, log, want string }{
		{"a quota that is back was a rate", "aaaff..aaaff..a", "aaattaaatta"},
		{"an empty purse that is back was a rate", "aab.a", "aata"},
		{"a quota that stays gone is one", "aaaff" + strings.Repeat(".f", 30), "aaaff" + strings.Repeat("f", 30)},
		{"back after longer than a window: a new day, or a payment", "aaf..............a", "aafa"},
		{"a smaller request finds the rest of the purse", "AAF.aaa.F", "aafaaaf"},
		{"the same with a larger one", "aaf.AAA", "aatAAA"},
		{"an allowance of a day may have come back by the clock", "aad.a", "aada"},
		{"but not twice", "aad.aad.a", "aataata"},
		{"at its end a quota flickers, then it is gone", "aaafaf" + strings.Repeat(".........f", 4), "aaafafffff"},
		{"a rate that is back is one", "aarr..aarr..a", "aarraarra"},
		{"a rate that stays gone was a purse", "aaa" + gone, "aaabbbb"},
		{"what came back before stays a rate", "aaar.....aaa" + gone, "aaaraaabbbb"},
		{"gone, but not for several windows", "aaa" + gone[:25], "aaarrr"},
		{"hammered, and the refusals may count", "aaa" + strings.Repeat("r", 60), "aaa" + strings.Repeat("r", 60)},
		{"never let in: too large, or not entitled", gone, "rrrr"},
		{"only too large ones are refused", "aaa" + strings.ToUpper(gone), "aaarrrr"},
		{"outcomes that no words confuse", "aac..au..a" + strings.Repeat("c.........", 5), "aacauaccccc"},
		{"words that stand for several, and it stays gone", "aaa" + strings.ReplaceAll(gone, "r", "q"), "aaabbbb"},
		{"words that stand for several, and it is back: for the fit to tell", "aaqq..aaqq..a", "aauuaauua"},
		{"nothing", "", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			xs := log(tc.log)
			before := short(xs)
			got, why := settle.Exchanges(xs, window)
			if d := cmp.Diff(strings.ToLower(tc.want), short(got)); d != "" {
				t.Errorf("%s\n%q", d, why)
			}
			if short(xs) != before {
				t.Error("the argument was changed")
			}
			changed := short(got) != before
			if changed != (len(why) > 0) {
				t.Errorf("changed %v, sentences %q", changed, why)
			}
			for i := range got {
				if marked := strings.HasSuffix(got[i].Rule, settle.Mark); marked != (got[i].Outcome != xs[i].Outcome) {
					t.Errorf("exchange %d: %s by %q", i, got[i].Outcome, got[i].Rule)
				}
			}
		})
	}
}

func TestCertain(t *testing.T) {
	limit := 100.0
	for name, change := range map[string]func(*exchange.Exchange){
		"the message has numbers": func(x *exchange.Exchange) {
			x.Advertised = []exchange.Advertised{{Dimension: "tokens", Limit: &limit, Source: "message"}}
		},
		"somebody else's limit": func(x *exchange.Exchange) { x.Whose = exchange.WhoseShared },
		"no evidence":           func(x *exchange.Exchange) { x.Void = true },
		"other keys": func(x *exchange.Exchange) {
			if x.Outcome == exchange.Success {
				x.Key = "other"
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			xs := log("aaf..aaf..a")
			for i := range xs {
				change(&xs[i])
			}
			got, why := settle.Exchanges(xs, window)
			if d := cmp.Diff(xs, got); d != "" || len(why) > 0 {
				t.Error(d, why)
			}
		})
	}
}

// The size of what was refused tells a request rate from a token rate.
func TestDimension(t *testing.T) {
	xs := log("aaf..aaf..a")
	for i := range xs {
		xs[i].PromptTokens = 8
	}
	got, _ := settle.Exchanges(xs, window)
	if d := cmp.Diff("aaraara", short(got)); d != "" {
		t.Error(d)
	}
	if got[2].Recovers != exchange.RecoversWindow || got[2].Whose != exchange.WhoseYours {
		t.Errorf("verdict %+v", got[2].Verdict)
	}
}

func ExampleExchanges() {
	at := func(s int) time.Duration { return time.Duration(s) * time.Second }
	quota := exchange.Verdict{Outcome: exchange.Billing, Rule: "openai/insufficient-quota"}
	xs := []exchange.Exchange{
		{Key: "main", Sent: at(0), Done: at(1), Verdict: exchange.Verdict{Outcome: exchange.Success}},
		{Key: "main", Sent: at(2), Done: at(2), Verdict: quota},
		{Key: "main", Sent: at(62), Done: at(63), Verdict: exchange.Verdict{Outcome: exchange.Success}},
	}
	settled, why := settle.Exchanges(xs, 2*time.Minute)
	fmt.Println(settled[1].Outcome, settled[1].Rule)
	fmt.Println(why[0])
	// Output:
	// token_rate openai/insufficient-quota, settled by behaviour
	// refusals of key "main" worded as billing (rule openai/insufficient-quota) count as token_rate, 1 of them: the same key was let in again after 60 s, within a limit's window of up to 2m0s
}
