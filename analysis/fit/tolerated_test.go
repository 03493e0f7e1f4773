package fit

import (
	"testing"

	"probe/analysis/exchange"
)

// Small requests ask a limit of tokens for hardly any room: however many there are,
// they excuse no contradiction of a model of tokens.
func TestToleratedOf(t *testing.T) {
	l := &Log{}
	for range 2000 {
		l.Events = append(l.Events, Event{Fate: Admitted, Outcome: exchange.Success, Prompt: 16})
	}
	for range 20 {
		l.Events = append(l.Events, Event{Fate: Admitted, Outcome: exchange.Success, Prompt: 5000})
	}
	for dim, want := range map[Dimension]int{Requests: 4, Tokens: 0} {
		f := fitter{log: l, dim: dim, acct: PromptPlusCompl, opt: Options{}.withDefaults()}
		if got := f.tolerated(); got != want {
			t.Errorf("%s: %d admissions may contradict, want %d", dim, got, want)
		}
	}
}
