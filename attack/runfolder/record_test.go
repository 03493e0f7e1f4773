package runfolder

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	vegeta "github.com/tsenart/vegeta/v12/lib"
	"pgregory.net/rapid"

	"probe/analysis/exchange"
)

// anyExchange draws an exchange of which every field may hold anything that
// the attacker can put there.
func anyExchange() *rapid.Generator[exchange.Exchange] {
	return rapid.Custom(func(t *rapid.T) exchange.Exchange {
		x := rapid.Make[exchange.Exchange]().Draw(t, "exchange")
		// The status is three digits. Texts other than the body are UTF-8: the
		// attacker and the classifier see to it.
		x.Status = rapid.IntRange(0, 999).Draw(t, "status")
		x.Outcome = rapid.SampledFrom(exchange.Outcomes).Draw(t, "outcome")
		if len(x.Advertised) == 0 {
			x.Advertised = nil
		}
		return x
	})
}

// encode makes a line of an exchange by its type. The encoder must write the
// same.
func encode(x exchange.Exchange, attack string, first uint64, m Meta) attempt {
	return attempt{
		Attack:    attack,
		Seq:       x.Seq - first,
		Code:      x.Status,
		Timestamp: m.Started.Add(x.Sent),
		Latency:   x.Latency(),
		BytesOut:  x.BytesOut,
		BytesIn:   x.BytesIn,
		Error:     vegetaError(&x),
		Body:      []byte(x.Body),
		Method:    m.Method,
		URL:       m.URL,
		Probe: &details{
			Seq: x.Seq, Stage: x.Stage, Task: x.Task, Attempt: x.Attempt,
			Target: x.Target, Key: x.Key, Model: x.Model,
			Scheduled: x.Scheduled, Sent: x.Sent, FirstByte: x.FirstByte,
			FirstToken: x.FirstToken, Done: x.Done, Arrived: x.Arrived,
			Streamed: x.Streamed, PromptTokens: x.PromptTokens, MaxTokens: x.MaxTokens,
			Usage: x.Usage, Truncated: x.Truncated, Verdict: x.Verdict,
			Error: x.Error, Void: x.Void, Worker: x.Worker, ClockError: x.ClockError,
		},
	}
}

// lineOf is the line that a folder would write.
func lineOf(t interface {
	Helper()
	Fatal(...any)
}, x exchange.Exchange, attack string, first uint64, m Meta) []byte {
	t.Helper()
	var e encoder
	if e.line(&x, attack, first, &m); e.err != nil {
		t.Fatal(e.err)
	}
	return e.buf
}

func TestEncoder(t *testing.T) {
	m := Meta{Scenario: "s", Method: "POST", URL: "http://test/v1?a=1&b=<2>", Started: time.Date(2026, 1, 1, 0, 0, 0, 0, time.FixedZone("", 3600))}
	rapid.Check(t, func(t *rapid.T) {
		x := anyExchange().Draw(t, "x")
		x.Sent %= 100 * 365 * 24 * time.Hour
		want, err := json.Marshal(encode(x, "s", 0, m))
		if err != nil {
			t.Fatal(err)
		}
		if got := lineOf(t, x, "s", 0, m); string(got) != string(want) {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
	})
}

func TestRoundTrip(t *testing.T) {
	m := Meta{Scenario: "s", Method: "POST", URL: "http://test/v1", Started: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	rapid.Check(t, func(t *rapid.T) {
		x := anyExchange().Draw(t, "x")
		line := lineOf(t, x, "s", 0, m)
		got, err := decodeLine(line)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if diff := cmp.Diff(x, got); diff != "" {
			t.Fatalf("line %s (-want +got):\n%s", line, diff)
		}
	})
}

func TestVegetaReadsALine(t *testing.T) {
	started := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	m := Meta{Method: "POST", URL: "http://test/v1/chat/completions", Started: started}
	x := exchange.Exchange{
		Seq: 12, Sent: 3 * time.Second, Done: 5 * time.Second, Status: 429, Body: "{}\xff",
		Verdict: exchange.Verdict{Outcome: exchange.TokenRate}, BytesIn: 3, BytesOut: 40,
	}
	line := lineOf(t, x, "quickstart#2", 10, m)
	want := vegeta.Result{
		Attack: "quickstart#2", Seq: 2, Code: 429, Timestamp: started.Add(3 * time.Second), Latency: 2 * time.Second,
		BytesOut: 40, BytesIn: 3, Error: "429 token_rate", Body: []byte("{}\xff"), Method: "POST", URL: m.URL,
	}
	for name, dec := range map[string]vegeta.Decoder{
		"json":     vegeta.NewJSONDecoder(bytes.NewReader(append(line, '\n'))),
		"detected": vegeta.DecoderFor(bytes.NewReader(append(line, '\n'))),
	} {
		var got vegeta.Result
		if err := dec.Decode(&got); err != nil || !got.Equal(want) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestDecodeErrors(t *testing.T) {
	for _, line := range []string{``, `{}`, `null`, `[]`, `{"probe":null}`, `{"probe":{"seq":-1}}`, `{"probe":{"sent":"x"}}`} {
		if _, err := decodeLine([]byte(line)); err == nil {
			t.Errorf("%s: no error", line)
		}
	}
}

func FuzzDecode(f *testing.F) {
	line := lineOf(f, exchange.Exchange{Seq: 1, Body: "x"}, "a", 0, Meta{})
	f.Add(string(line))
	f.Add(`{"probe":{"seq":1,"advertised":[{"limit":1}]}}` + "\n\n{}\n{")
	f.Fuzz(func(t *testing.T, text string) {
		n := 0
		scan("file", strings.NewReader(text), func(_ int, l lineOrErr) bool {
			n++
			if l.err != nil {
				return true
			}
			x, err := decodeLine(l.text)
			if err != nil || !utf8.ValidString(text) {
				return true
			}
			if slow, err := decodeAny(l.text); err == nil && !cmp.Equal(x, slow) {
				t.Fatalf("%+v, by encoding/json %+v", x, slow)
			}
			// What was read once is written and read again as it is.
			again, err := json.Marshal(encode(x, "a", x.Seq, Meta{}))
			if err != nil {
				t.Fatalf("%+v: %v", x, err)
			}
			if y, err := decodeLine(again); err != nil || !cmp.Equal(x, y) {
				t.Fatalf("%+v became %+v, %v", x, y, err)
			}
			return true
		})
		if n > strings.Count(text, "\n")+1 {
			t.Fatalf("%d lines", n)
		}
	})
}

// decodeLine reads a line by the quick way, which must say what encoding/json
// says.
func decodeLine(line []byte) (exchange.Exchange, error) { return newDecoder(true).decode(line) }
