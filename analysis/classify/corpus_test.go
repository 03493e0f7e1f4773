package classify

import (
	"cmp"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v4"

	"probe/analysis/exchange"
	"probe/scenarios/providers"
)

// A specimen is one answer of the corpus with what it means.
type specimen struct {
	Name    string            `yaml:"name"`
	Status  int               `yaml:"status"`
	Headers map[string]string `yaml:"headers"`
	SSE     bool              `yaml:"sse"`
	Body    string            `yaml:"body"`

	Outcome    exchange.Outcome  `yaml:"outcome"`
	Recovers   exchange.Recovers `yaml:"recovers"`
	Whose      exchange.Whose    `yaml:"whose"`
	RetryAfter *float64          `yaml:"retry_after_s"`
	Advertised []string          `yaml:"advertised"`
	// Unknown is the outcome without a profile, where it must differ: the
	// words alone mean different things at different providers.
	Unknown exchange.Outcome `yaml:"unknown"`

	Source string `yaml:"source"`
	Mark   string `yaml:"mark"` // D documented, O observed, C read in source code, T from a test

	// Provider is the profile to name; empty: the file's name.
	Provider string `yaml:"provider"`
}

func (s specimen) answer() Answer {
	h := make(http.Header)
	for name, value := range s.Headers {
		h.Set(name, value)
	}
	return Answer{Status: s.Status, Header: h, Body: []byte(s.Body), SSE: s.SSE}
}

// corpus reads every file of testdata/corpus, or of another folder.
func corpus(t testing.TB, dir string) []specimen {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no corpus in %s: %v", dir, err)
	}
	var all []specimen
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var some []specimen
		if err := yaml.Load(data, &some, yaml.WithKnownFields()); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, s := range some {
			s.Provider = cmp.Or(s.Provider, strings.TrimSuffix(filepath.Base(file), ".yaml"))
			if !s.Outcome.Valid() || s.Source == "" || s.Mark == "" {
				t.Fatalf("%s: %q lacks an outcome, a source or a mark", file, s.Name)
			}
			all = append(all, s)
		}
	}
	return all
}

// written is how the corpus writes a limit:
// "tokens 30000/60s used 22999 requested 12528 token_bucket".
func written(limits []exchange.Advertised) []string {
	var out []string
	for _, a := range limits {
		limit := "?"
		if a.Limit != nil {
			limit = number64(*a.Limit)
		}
		s := a.Dimension + " " + limit
		if a.WindowS > 0 {
			s += "/" + number64(a.WindowS) + "s"
		}
		for _, v := range []struct {
			name  string
			value *float64
		}{{"used", a.Used}, {"requested", a.Requested}, {"remaining", a.Remaining}, {"reset", a.ResetS}} {
			if v.value != nil {
				s += " " + v.name + " " + number64(*v.value)
			}
		}
		if a.Algorithm != "" {
			s += " " + a.Algorithm
		}
		out = append(out, s)
	}
	return out
}

func number64(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

// Waits and stops must never be taken for one another: the one would hammer
// an empty purse, the other would give up on a minute's limit.
func isStop(v exchange.Verdict) bool {
	switch v.Recovers {
	case exchange.RecoversPayment, exchange.RecoversNever, exchange.RecoversCalendar:
		return true
	}
	return v.Outcome.EndsRun() || v.Outcome == exchange.DailyQuota
}

func isWait(v exchange.Verdict) bool {
	switch v.Outcome {
	case exchange.RequestRate, exchange.TokenRate, exchange.Burst, exchange.Concurrency, exchange.Overload:
		return !isStop(v)
	}
	return false
}

// tally counts how well a classifier does on the corpus.
type tally struct{ total, right, wrong, stopAsWait, waitAsStop int }

func (n *tally) add(t *testing.T, s specimen, want exchange.Outcome, got exchange.Verdict) {
	n.total++
	if got.Outcome == want {
		n.right++
	} else if got.Outcome != exchange.Unclassified {
		n.wrong++
		t.Errorf("%s/%s: confidently wrong: %s by %s, want %s", s.Provider, s.Name, got.Outcome, got.Rule, want)
	} else {
		t.Logf("%s/%s: unclassified, want %s", s.Provider, s.Name, want)
	}
	truth := exchange.Verdict{Outcome: s.Outcome, Recovers: s.Recovers}
	if isStop(truth) && isWait(got) {
		n.stopAsWait++
		t.Errorf("%s/%s: a stop read as a wait: %s by %s", s.Provider, s.Name, got.Outcome, got.Rule)
	}
	if isWait(truth) && isStop(got) {
		n.waitAsStop++
		t.Errorf("%s/%s: a wait read as a stop: %s by %s", s.Provider, s.Name, got.Outcome, got.Rule)
	}
}

func (n tally) String() string {
	return fmt.Sprintf("%d answers: %.1f %% right, %d wrong with confidence, %d stops read as waits, %d waits read as stops",
		n.total, 100*float64(n.right)/float64(n.total), n.wrong, n.stopAsWait, n.waitAsStop)
}

// named sorts every specimen with its profile named, and checks all that its
// label says.
func named(t *testing.T, specimens []specimen) tally {
	t.Helper()
	var n tally
	classifiers := make(map[string]*Classifier)
	for _, s := range specimens {
		c := classifiers[s.Provider]
		if c == nil {
			p, err := providers.Named(s.Provider)
			if err != nil {
				t.Fatal(err)
			}
			c = New(p)
			classifiers[s.Provider] = c
		}
		got := c.Classify(s.answer())
		n.add(t, s, s.Outcome, got)
		if s.Recovers != "" && got.Recovers != s.Recovers {
			t.Errorf("%s/%s: recovers %q, want %q (%s by %s)", s.Provider, s.Name, got.Recovers, s.Recovers, got.Outcome, got.Rule)
		}
		if s.Provider != providers.Generic && s.Whose != "" && got.Whose != s.Whose {
			t.Errorf("%s/%s: whose %q, want %q (%s)", s.Provider, s.Name, got.Whose, s.Whose, got.Rule)
		}
		if diff := gocmp.Diff(s.RetryAfter, got.RetryAfterS); diff != "" {
			t.Errorf("%s/%s: retry after (-want +got):\n%s", s.Provider, s.Name, diff)
		}
		if diff := gocmp.Diff(s.Advertised, written(got.Advertised)); diff != "" {
			t.Errorf("%s/%s: advertised (-want +got):\n%s", s.Provider, s.Name, diff)
		}
	}
	return n
}

// unknown sorts every specimen without a profile.
func unknown(t *testing.T, specimens []specimen) tally {
	t.Helper()
	var n tally
	c := Unknown()
	for _, s := range specimens {
		n.add(t, s, cmp.Or(s.Unknown, s.Outcome), c.Classify(s.answer()))
	}
	return n
}

func TestCorpusWithProfile(t *testing.T) {
	t.Parallel()
	n := named(t, corpus(t, "testdata/corpus"))
	t.Logf("profile named: %s", n)
	if n.total < 150 || float64(n.right) < 0.99*float64(n.total) {
		t.Errorf("want 150 answers and 99 %% right, got %s", n)
	}
}

func TestCorpusUnknownProvider(t *testing.T) {
	t.Parallel()
	n := unknown(t, corpus(t, "testdata/corpus"))
	t.Logf("provider unknown: %s", n)
	if float64(n.right) < 0.85*float64(n.total) {
		t.Errorf("want 85 %% right, got %s", n)
	}
}

// Answers that no rule was written from; see docs/classify.md for how the
// classifier did when it first saw them.
func TestHeldOut(t *testing.T) {
	t.Parallel()
	specimens := corpus(t, "testdata/heldout")
	with, without := named(t, specimens), unknown(t, specimens)
	t.Logf("profile named: %s", with)
	t.Logf("provider unknown: %s", without)
	if float64(with.right) < 0.99*float64(with.total) || float64(without.right) < 0.85*float64(without.total) {
		t.Errorf("want 99 %% right with the profile named and 85 %% without, got %s; %s", with, without)
	}
}
