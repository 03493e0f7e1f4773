package answers

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	vegeta "github.com/tsenart/vegeta/v12/lib"

	"probe/analysis/classify"
	"probe/analysis/exchange"
)

// collect reads a whole log.
func collect(t testing.TB, text string) (records []Record, broken []error, fatal error) {
	t.Helper()
	for rec, err := range Read("log", strings.NewReader(text)) {
		var re *RecordError
		switch {
		case fatal != nil:
			t.Fatal("a record follows a fatal error")
		case err == nil:
			records = append(records, rec)
		case errors.As(err, &re):
			broken = append(broken, err)
		default:
			fatal = err
		}
	}
	return records, broken, fatal
}

var at = time.Date(2026, 11, 23, 18, 15, 0, 500e6, time.UTC)

func TestReadLines(t *testing.T) {
	for _, tc := range []struct {
		name, line string
		want       Record
	}{
		{"body as text", `{"status": 429, "headers": {"Retry-After": "20"}, "body": "slow down", "transport": "http"}`,
			Record{Answer: classify.Answer{Status: 429, Header: http.Header{"Retry-After": {"20"}}, Body: []byte("slow down")}}},
		{"body as JSON", `{"status": "503", "body": {"error": {"code": 1}}}`,
			Record{Answer: classify.Answer{Status: 503, Body: []byte(`{"error": {"code": 1}}`)}}},
		{"body is a list, header values of all kinds", `{"status": 400, "headers": {"a": ["1", 2], "b": 3, "c": null}, "body": [1]}`,
			Record{Answer: classify.Answer{Status: 400, Header: http.Header{"A": {"1", "2"}, "B": {"3"}}, Body: []byte(`[1]`)}}},
		{"no body", `{"status": 429, "headers": null, "body": null}`, Record{Answer: classify.Answer{Status: 429}}},
		{"a stream", `{"status": 200, "transport": "sse", "body": "data: {\"usage\": {\"prompt_tokens\": 7, \"completion_tokens\": 3}}\n\ndata: [DONE]\n"}`,
			Record{Answer: classify.Answer{Status: 200, SSE: true, Body: []byte("data: {\"usage\": {\"prompt_tokens\": 7, \"completion_tokens\": 3}}\n\ndata: [DONE]\n")},
				Usage: exchange.Usage{Prompt: 7, Completion: 3, Total: 10}}},
		{"usage of the body, overruled by the log's", `{"status": 200, "body": {"usage": {"prompt_tokens": 7, "completion_tokens": 3}}, "usage": {"completion_tokens": 5}}`,
			Record{Answer: classify.Answer{Status: 200, Body: []byte(`{"usage": {"prompt_tokens": 7, "completion_tokens": 3}}`)},
				Usage: exchange.Usage{Prompt: 7, Completion: 5, Total: 12}}},
		{"time and the rest", `{"status": 200, "time": "2026-11-23T18:15:00.5Z", "latency_ms": 250, "model": "m", "key": "k", "max_tokens": 9, "prompt_tokens": 8}`,
			Record{Answer: classify.Answer{Status: 200}, Time: at, Latency: 250 * time.Millisecond, Model: "m", Key: "k", MaxTokens: 9, Prompt: 8}},
		{"seconds since 1970", `{"status": 429, "timestamp": 1795457700.5}`, Record{Answer: classify.Answer{Status: 429}, Time: at}},
		{"milliseconds in a string", `{"status": 429, "ts": "1795457700500"}`, Record{Answer: classify.Answer{Status: 429}, Time: at}},
		{"nanoseconds", `{"status": 429, "time": 1795457700500000000}`, Record{Answer: classify.Answer{Status: 429}, Time: at}},
		{"with a zone", `{"status": 429, "@timestamp": "2026-11-23 19:15:00,5+01:00"}`, Record{Answer: classify.Answer{Status: 429}, Time: at}},
		{"no answer", `{"error": "read: connection timed out"}`,
			Record{Answer: classify.Answer{Err: transportError("read: connection timed out")}}},
		{"an attempt of a run", `{"attack":"a","seq":0,"code":429,"timestamp":"2026-11-23T18:15:00.5Z","latency":1000,"bytes_out":0,"bytes_in":0,"error":"429 x","body":"eA==","method":"POST","url":"","headers":null,` +
			`"probe":{"key":"main","model":"m","prompt_tokens":3,"max_tokens":1,"usage":{"prompt":3}}}`,
			Record{Answer: classify.Answer{Status: 429, Body: []byte("x")}, Time: at, Latency: 1000, Model: "m", Key: "main", Prompt: 3, MaxTokens: 1, Usage: exchange.Usage{Prompt: 3}}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, broken, fatal := collect(t, tc.line)
			if len(broken) > 0 || fatal != nil || len(got) != 1 {
				t.Fatalf("%d records, broken %v, fatal %v", len(got), broken, fatal)
			}
			tc.want.Number = 1
			if d := cmp.Diff(tc.want, got[0], cmpopts.EquateEmpty(), cmpopts.EquateErrors()); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestBrokenLines(t *testing.T) {
	log := strings.Join([]string{
		`{"status": 429}`, ``, `{"status": 429`, `17`, `{"status": "soon"}`, `{"status": 429, "transport": "pigeon"}`,
		`{"body": "x"}`, `{"status": 429, "time": "yesterday"}`, `{"status": 429, "headers": {"a": {}}}`, `null`, `{"status": 500}`,
	}, "\n")
	got, broken, fatal := collect(t, log)
	if fatal != nil || len(got) != 2 || got[1].Answer.Status != 500 || got[1].Number != 10 {
		t.Fatalf("records %v, fatal %v", got, fatal)
	}
	want := []string{
		"log:3: no JSON object", "log:4: no JSON object", "log:5: status: want an HTTP status such as 429",
		`log:6: transport: want http or sse, got "pigeon"`, "log:7: status: missing", "log:8: time: want a time such as",
		"log:9: headers: a: want a string", "log:10: no JSON object",
	}
	if len(broken) != len(want) {
		t.Fatalf("got %d errors, want %d: %v", len(broken), len(want), broken)
	}
	for i, err := range broken {
		if !strings.HasPrefix(err.Error(), want[i]) {
			t.Errorf("error %q, want %q", err, want[i])
		}
	}
}

// The first line may be the broken one.
func TestBrokenStart(t *testing.T) {
	for name, text := range map[string]string{
		"JSON lines": "started at noon\n" + `{"status": 429}`,
		"CSV":        "started at noon\n" + `1795457700500000000,429,1,0,0,"x",bm8=,a,1,POST,http://x,`,
	} {
		got, broken, fatal := collect(t, text)
		if len(got) != 1 || fatal != nil || len(broken) != 1 || !strings.HasPrefix(broken[0].Error(), "log:1: ") {
			t.Errorf("%s: %d records, broken %v, fatal %v", name, len(got), broken, fatal)
		}
	}
}

func TestLongLine(t *testing.T) {
	long := `{"status": 429, "body": "` + strings.Repeat("x", MaxRecord) + `"}`
	got, broken, fatal := collect(t, "{\"status\": 1}\n"+long+"\n{\"status\": 2}")
	if len(got) != 2 || len(broken) != 1 || fatal != nil || !errors.Is(broken[0], errLong) {
		t.Errorf("%d records, broken %v, fatal %v", len(got), broken, fatal)
	}
}

func TestReadVegeta(t *testing.T) {
	results := []vegeta.Result{
		{Attack: "a", Seq: 0, Code: 200, Timestamp: at, Latency: time.Second, Body: []byte(`{"usage":{"prompt_tokens":5,"completion_tokens":2}}`), Method: "POST", URL: "http://x/v1"},
		{Attack: "a", Seq: 1, Code: 429, Timestamp: at, Latency: 1, Error: "429 Too\nMany", Body: []byte("no"), Headers: http.Header{"Retry-After": {"3"}}},
		{Attack: "a", Seq: 2, Timestamp: at, Error: `dial "x": timeout`},
	}
	want := []Record{
		{Number: 1, Answer: classify.Answer{Status: 200, Body: results[0].Body}, Time: at, Latency: time.Second, Usage: exchange.Usage{Prompt: 5, Completion: 2, Total: 7}},
		{Number: 2, Answer: classify.Answer{Status: 429, Body: []byte("no"), Header: results[1].Headers}, Time: at, Latency: 1},
		{Number: 3, Answer: classify.Answer{Err: transportError(`dial "x": timeout`)}, Time: at},
	}
	encodings := map[string]func(w *bytes.Buffer) vegeta.Encoder{
		"gob":  func(w *bytes.Buffer) vegeta.Encoder { return vegeta.NewEncoder(w) },
		"json": func(w *bytes.Buffer) vegeta.Encoder { return vegeta.NewJSONEncoder(w) },
		"csv":  func(w *bytes.Buffer) vegeta.Encoder { return vegeta.NewCSVEncoder(w) },
	}
	for name, encoding := range encodings {
		t.Run(name, func(t *testing.T) {
			var buf bytes.Buffer
			encode := encoding(&buf)
			for i := range results {
				if err := encode.Encode(&results[i]); err != nil {
					t.Fatal(err)
				}
			}
			got, broken, fatal := collect(t, buf.String())
			if len(broken) > 0 || fatal != nil {
				t.Fatalf("broken %v, fatal %v", broken, fatal)
			}
			if d := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.EquateErrors()); d != "" {
				t.Error(d)
			}
			cut, _, fatal := collect(t, buf.String()[:buf.Len()-20])
			if len(cut) < 2 || name == "gob" && fatal == nil {
				t.Errorf("torn: %d records, fatal %v", len(cut), fatal)
			}
		})
	}
}

func TestBrokenCSV(t *testing.T) {
	const good = `1795457700500000000,429,1,0,0,"x",bm8=,a,1,POST,http://x,`
	got, broken, fatal := collect(t, good+"\n"+`1795457700500000000,429,1,0,0,"never closed,bm8=`+"\nmore\n"+good+"\n1,2,3\n"+good)
	if len(got) != 3 || fatal != nil || len(broken) != 2 ||
		!strings.HasPrefix(broken[0].Error(), "log:2: ") || !strings.HasPrefix(broken[1].Error(), "log:5: ") {
		t.Errorf("%d records, broken %v, fatal %v", len(got), broken, fatal)
	}
}

const har = `{"log": {"version": "1.2", "creator": {"name": "x"}, "pages": [], "entries": [
  {"startedDateTime": "2026-11-23T18:15:00.500Z", "time": 12.5,
   "request": {"method": "POST", "headers": [{"name": "Authorization", "value": "Bearer sk-canary"}],
     "postData": {"text": "{\"model\": \"m\", \"max_tokens\": 4, \"messages\": []}"}},
   "response": {"status": 429, "headers": [{"name": "retry-after", "value": "7"}],
     "content": {"mimeType": "application/json", "text": "bm8=", "encoding": "base64"}}},
  {"startedDateTime": "x", "response": {"status": "429"}},
  {"request": {}},
  {"startedDateTime": "2026-11-23T18:15:00.500Z", "response": {"status": 0, "_error": "net::ERR_TIMED_OUT", "content": {}}}
], "comment": ""}}`

func TestReadHAR(t *testing.T) {
	for name, text := range map[string]string{"plain": har, "with a byte-order mark": "\xef\xbb\xbf" + har} {
		t.Run(name, func(t *testing.T) {
			got, broken, fatal := collect(t, text)
			if fatal != nil || len(broken) != 2 || !strings.HasPrefix(broken[0].Error(), "log: record 2: ") {
				t.Fatalf("broken %v, fatal %v", broken, fatal)
			}
			want := []Record{
				{Number: 1, Answer: classify.Answer{Status: 429, Body: []byte("no"), Header: http.Header{"Retry-After": {"7"}, "Content-Type": {"application/json"}}},
					Time: at, Latency: 12500 * time.Microsecond, Model: "m", MaxTokens: 4},
				{Number: 4, Answer: classify.Answer{Err: transportError("net::ERR_TIMED_OUT")}, Time: at},
			}
			if d := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.EquateErrors()); d != "" {
				t.Error(d)
			}
			if strings.Contains(fmt.Sprint(got), "canary") {
				t.Error("a key is in a record")
			}
		})
	}
}

func TestReadWhole(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		records    int
		fatal      string
	}{
		{"nothing", "", 0, ""},
		{"blank lines", "\n \n", 0, ""},
		{"an array", `[{"status": 429}, {"status": 200}]`, 2, ""},
		{"as jq prints it", "{\n  \"status\": 429,\n  \"body\": null\n}\n{\n  \"status\": 200\n}\n", 2, ""},
		{"one over several lines that breaks off", "{\n  \"status\": 429,\n", 0, "record 1: unexpected EOF"},
		{"an array that breaks off", `[{"status": 429}, {"status"`, 1, "record 2: unexpected EOF"},
		{"a HAR file that breaks off", har[:len(har)/2], 0, "HAR file: record 1"},
		{"a HAR file without entries", `{"log": {"version": "1.2"}}`, 0, `there is no "entries"`},
		{"prose", "429 Too Many Requests", 0, "neither Vegeta results"},
		{"a picture", "\x89PNG\r\n\x1a\n\x00", 0, "neither Vegeta results"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, broken, fatal := collect(t, tc.text)
			if len(got) != tc.records || len(broken) != 0 || (fatal == nil) != (tc.fatal == "") {
				t.Fatalf("%d records, broken %v, fatal %v", len(got), broken, fatal)
			}
			if fatal != nil && !strings.Contains(fatal.Error(), tc.fatal) {
				t.Errorf("error %q, want %q in it", fatal, tc.fatal)
			}
		})
	}
}

func TestReadFailure(t *testing.T) {
	fail := errors.New("disk gone")
	for _, start := range []string{"", `{"status": 429}` + "\n", `[{"status": 1},`, "1,200,1,"} {
		var last error
		n := 0
		for _, err := range Read("log", iotest.TimeoutReader(&failing{text: start, err: fail})) {
			last, n = err, n+1
			if n > 10 {
				t.Fatal("it does not end")
			}
		}
		if !errors.Is(last, fail) {
			t.Errorf("%q: error %v, want %v", start, last, fail)
		}
	}
}

// failing yields a text, then fails again and again.
type failing struct {
	text string
	err  error
}

func (f *failing) Read(p []byte) (int, error) {
	if f.text == "" {
		return 0, f.err
	}
	n := copy(p, f.text)
	f.text = f.text[n:]
	return n, nil
}

// FuzzRead checks that every log comes to an end, that its records are
// numbered in order, and that nothing follows a fatal error.
func FuzzRead(f *testing.F) {
	f.Add([]byte(har))
	f.Add([]byte(`{"status": 429, "headers": {"a": ["1"]}, "body": {"x": 1}, "time": 1795457700.5, "usage": {"prompt_tokens": 1}}` + "\n{"))
	f.Add([]byte(`[{"status": 429, "transport": "sse"}]`))
	f.Add([]byte(`1795457700500000000,429,1,0,0,"x",bm8=,a,1,POST,http://x,` + "\n"))
	var gob, js bytes.Buffer
	r := &vegeta.Result{Attack: "a", Code: 429, Timestamp: at, Body: []byte("x"), Headers: http.Header{"A": {"b"}}}
	if err := errors.Join(vegeta.NewEncoder(&gob).Encode(r), vegeta.NewJSONEncoder(&js).Encode(r)); err != nil {
		f.Fatal(err)
	}
	f.Add(gob.Bytes())
	f.Add(js.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		records, _, _ := collect(t, string(data))
		last := 0
		for _, rec := range records {
			if rec.Number <= last {
				t.Fatalf("record %d after %d", rec.Number, last)
			}
			last = rec.Number
			if rec.Answer.Status == 0 && rec.Answer.Err == nil || rec.Answer.Status < 0 || rec.Answer.Status > 999 {
				t.Errorf("status %d, error %v", rec.Answer.Status, rec.Answer.Err)
			}
			if rec.Latency < 0 {
				t.Errorf("latency %v", rec.Latency)
			}
		}
	})
}
