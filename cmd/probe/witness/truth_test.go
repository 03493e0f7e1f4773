package witness

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A truth is what a server is configured to do.
type truth struct {
	// rpm is the rate that can be sustained, per minute; 0 for a server that
	// limits no rate.
	rpm float64
	// rates are those of all limiters, per minute, when there are several.
	rates []float64
	// algorithms are the models that describe the limiter rightly. The run
	// must name one of them, or list it among the rivals.
	algorithms []string
	// inFlight is a cap on requests in flight; 0 for none.
	inFlight float64
	// says are words that the conclusions must have somewhere, each of them
	// a choice of several.
	says [][]string
}

// margin widens the stated interval: what a server admits is not to the
// request what it was configured to.
const margin = 0.02

const (
	asked  = 0.01 // width of the interval to stop at, the default of search.precision
	soaked = 0.9  // least share of the limit for a soak just below it; 95 % is what a run means to try
)

// tries is how often a witness is heard when this machine falls behind.
const tries = 3

// check probes a server until a run is right, or wrong without an excuse, and
// reports what it concluded. A server is started for each try, so that none
// begins where another left off.
func check(t *testing.T, configured string, want truth, start func(*testing.T) string) {
	t.Parallel()
	for try := 1; ; try++ {
		var wrong []string
		again, skipped := false, false
		t.Run(fmt.Sprintf("try%d", try), func(t *testing.T) {
			defer func() { skipped = t.Skipped() }()
			dir := folder(t)
			d := probe(t, start(t), filepath.Join(dir, "run"))
			wrong = want.wrongs(d)
			if len(wrong) == 0 {
				os.RemoveAll(dir)
			}
			again = len(wrong) > 0 && d.fellBehind() && try < tries
			t.Logf("\n%s", report(configured, want, d, wrong))
		})
		switch {
		case skipped:
			t.Skip("its server is not installed")
		case again:
			t.Log("this machine fell behind during the run: once more")
		case len(wrong) > 0:
			t.Fatalf("%s:\n  %s", configured, strings.Join(wrong, "\n  "))
		default:
			return
		}
	}
}

// folder returns a new folder for a run, which stays where -keep says.
func folder(t *testing.T) string {
	if *keep == "" {
		return t.TempDir()
	}
	if err := os.MkdirAll(*keep, 0o755); err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp(*keep, strings.ReplaceAll(t.Name(), "/", "-")+"-")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// wrongs lists what d says that is not so, and what it should say and does
// not.
func (want truth) wrongs(d *document) (all []string) {
	wrong := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }

	got := d.Effective.RPM
	switch {
	case want.rpm == 0 && got.Value != nil:
		wrong("claims a rate of %.5g a minute, and there is none", *got.Value)
	case want.rpm == 0:
	case got.Value == nil || got.Low == nil || got.High == nil:
		wrong("found no rate, and it is %.5g a minute", want.rpm)
	case want.rpm < *got.Low*(1-margin) || want.rpm > *got.High*(1+margin):
		wrong("rate is %.5g a minute, stated %.5g in [%.5g, %.5g]", want.rpm, *got.Value, *got.Low, *got.High)
	case d.StoppedBy == "precision" && *got.High-*got.Low > (asked+margin)**got.Value:
		// An interval that holds everything cannot be wrong, and says nothing.
		wrong("says it stopped because the rate was found as narrowly as asked, and [%.5g, %.5g] is wider", *got.Low, *got.High)
	}
	v := d.Verification
	if v.Held != nil && *v.Held && v.Below != nil && got.Low != nil && v.Below.Rate < soaked**got.Low {
		wrong("says that the limit held, and tried %.5g a minute only", v.Below.Rate)
	}

	caps, named := 0, false
	for i := range d.Limits {
		l := &d.Limits[i]
		if l.Amount == nil {
			continue
		}
		if l.Algorithm == "concurrency" {
			caps++
			if want.inFlight == 0 {
				wrong("claims that %.4g may be in flight, and there is no such cap", *l.Amount)
			} else if *l.Amount != want.inFlight {
				wrong("%.4g may be in flight, stated %.4g", want.inFlight, *l.Amount)
			}
			continue
		}
		if !want.has(l) {
			wrong("claims a limit of %s that does not exist", l)
		}
		named = named || len(want.algorithms) == 0 || slices.ContainsFunc(want.algorithms, l.allows)
	}
	if want.inFlight != 0 && caps == 0 {
		wrong("found no cap in flight, and it is %.4g", want.inFlight)
	}
	if want.rpm != 0 && got.Value != nil && !named {
		wrong("no limit is named %s, nor has it among its rivals", strings.Join(want.algorithms, " or "))
	}

	text := strings.ToLower(strings.Join(slices.Concat(d.Warnings, d.Findings, d.whys()), "\n"))
	for _, choice := range want.says {
		if !slices.ContainsFunc(choice, func(w string) bool { return strings.Contains(text, w) }) {
			wrong("nowhere says %q", strings.Join(choice, " or "))
		}
	}
	return all
}

// has reports whether l is one of the server's limiters, by its rate.
func (want truth) has(l *limit) bool {
	if l.WindowS == nil || l.Low == nil || l.High == nil || *l.WindowS == 0 {
		return want.rpm != 0
	}
	rates := want.rates
	if len(rates) == 0 && want.rpm != 0 {
		rates = []float64{want.rpm}
	}
	return slices.ContainsFunc(rates, func(rpm float64) bool {
		amount := rpm / 60 * *l.WindowS
		return *l.Low*(1-margin) <= amount && amount <= *l.High*(1+margin)
	})
}

// allows reports whether l is named by an algorithm or has it as a rival.
func (l *limit) allows(algorithm string) bool {
	return l.Algorithm == algorithm || slices.ContainsFunc(l.Rivals, func(r string) bool {
		return strings.HasPrefix(r, algorithm)
	})
}

func (d *document) whys() (all []string) {
	for i := range d.Limits {
		all = append(all, d.Limits[i].Why)
	}
	return all
}

func (l *limit) String() string {
	s := fmt.Sprintf("%s %s", l.Algorithm, figure(l.Amount))
	if l.WindowS != nil {
		s += fmt.Sprintf(" per %.4g s", *l.WindowS)
	}
	s += fmt.Sprintf(" [%s, %s]", figure(l.Low), figure(l.High))
	if l.BurstCapacity != nil {
		s += fmt.Sprintf(", burst %.4g", *l.BurstCapacity)
	}
	if l.Advertised != nil {
		s += fmt.Sprintf(", advertised %.4g", *l.Advertised)
	}
	if len(l.Rivals) > 0 {
		s += "; rivals: " + strings.Join(l.Rivals, ", ")
	}
	return s
}

func figure(v *float64) string {
	if v == nil {
		return "null"
	}
	return fmt.Sprintf("%.5g", *v)
}

// beside reports whether a warning is about what plain HTTP does not have.
func beside(warning string) bool {
	for _, of := range []string{"cost", "effective.tpm", "latency.", "recovery_s.", "token_accounting"} {
		if strings.HasPrefix(warning, of) {
			return true
		}
	}
	return false
}

// report is what make witnesses prints of a run.
func report(configured string, want truth, d *document, wrong []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "configured   %s\n", configured)
	if want.rpm != 0 {
		fmt.Fprintf(&b, "truth        %.5g a minute\n", want.rpm)
	} else if want.inFlight != 0 {
		fmt.Fprintf(&b, "truth        %.4g in flight, no rate\n", want.inFlight)
	} else {
		fmt.Fprintf(&b, "truth        no limit\n")
	}
	e := d.Effective.RPM
	fmt.Fprintf(&b, "effective    %s a minute [%s, %s]", figure(e.Value), figure(e.Low), figure(e.High))
	if e.Value != nil && want.rpm != 0 {
		fmt.Fprintf(&b, ", off by %.2g %%", 100*math.Abs(*e.Value/want.rpm-1))
		if e.Low != nil && e.High != nil && (want.rpm < *e.Low || want.rpm > *e.High) {
			b.WriteString(", truth outside the interval as stated")
		}
	}
	b.WriteString("\n")
	for i := range d.Limits {
		fmt.Fprintf(&b, "limit        %s\n", &d.Limits[i])
	}
	held := "not verified"
	if h := d.Verification.Held; h != nil {
		held = fmt.Sprintf("verification held: %t", *h)
		if v := d.Verification.Below; v != nil {
			held += fmt.Sprintf(" (%.5g a minute below)", v.Rate)
		}
	}
	fmt.Fprintf(&b, "run          stopped by %s, %s; %d stages, requests %v\n", d.StoppedBy, held, len(d.Stages), d.Requests)
	for _, w := range d.Warnings {
		if !beside(w) {
			fmt.Fprintf(&b, "warning      %s\n", w)
		}
	}
	for _, w := range wrong {
		fmt.Fprintf(&b, "WRONG        %s\n", w)
	}
	return b.String()
}
