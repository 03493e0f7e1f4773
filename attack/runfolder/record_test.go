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

func TestRoundTrip(t *testing.T) {
	m := Meta{Scenario: "s", Method: "POST", URL: "http://test/v1", Started: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	rapid.Check(t, func(t *rapid.T) {
		x := anyExchange().Draw(t, "x")
		line, err := json.Marshal(encode(x, "s", 0, m))
		if err != nil {
			t.Fatal(err)
		}
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
	line, err := json.Marshal(encode(x, "quickstart#2", 10, m))
	if err != nil {
		t.Fatal(err)
	}
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
	line, _ := json.Marshal(encode(exchange.Exchange{Seq: 1, Body: "x"}, "a", 0, Meta{}))
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
