package attack

import (
	"bufio"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// seen is an event that may be kept.
type seen struct {
	Name, Data string
	Status     int
	Foreign    bool
}

func readEvents(r io.Reader) (all []seen, raw string, err error) {
	s := newSSEReader(bufio.NewReaderSize(r, 16))
	for {
		e, err := s.next()
		if err != nil {
			return all, raw, err
		}
		all = append(all, seen{e.name, string(e.data), e.status, e.foreign})
		raw += string(e.raw) + "\n"
	}
}

func TestSSE(t *testing.T) {
	tests := []struct {
		name, text string
		want       []seen
	}{
		{"one event", "data: a\n\n", []seen{{Data: "a"}}},
		{"no space, CRLF", "data:a\r\n\r\ndata:b\r\n\r\n", []seen{{Data: "a"}, {Data: "b"}}},
		{"only the first space goes", "data:  a\n\n", []seen{{Data: " a"}}},
		{"several data lines", "data: a\ndata\ndata: b\n\n", []seen{{Data: "a\n\nb"}}},
		{"named", "id: 1\nevent: error\nretry: 5\ndata: x\n\n", []seen{{Name: "error", Data: "x"}}},
		{"comment only", ": keep-alive\n\ndata: a\n\n", []seen{{}, {Data: "a"}}},
		{
			"DashScope's error", "id:1\nevent:error\n:HTTP_STATUS/429\ndata:{\"code\":\"Throttling\"}\n\n",
			[]seen{{Name: "error", Data: `{"code":"Throttling"}`, Status: 429}},
		},
		{"end without blank line", "data: a\n\ndata: b", []seen{{Data: "a"}, {Data: "b"}}},
		{"byte order mark", "\xef\xbb\xbfdata: a\n\n", []seen{{Data: "a"}}},
		{"blank lines", "\n\n\r\ndata: a\n\n\n\n", []seen{{Data: "a"}}},
		{"something else", `{"error":"no"}`, []seen{{Foreign: true}}},
		{"empty", "", nil},
		{"a line longer than the buffer", "data: " + strings.Repeat("x", 100) + "\n\n", []seen{{Data: strings.Repeat("x", 100)}}},
		{"a line too long", "data:" + strings.Repeat("x", 2*maxLine) + "\ndata: y\n\n", []seen{{Data: strings.Repeat("x", maxLine-5) + "\ny"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for split, r := range map[string]io.Reader{
				"whole":   strings.NewReader(tt.text),
				"by byte": iotest.OneByteReader(strings.NewReader(tt.text)),
			} {
				got, _, err := readEvents(r)
				if diff := cmp.Diff(tt.want, got); diff != "" || !errors.Is(err, io.EOF) {
					t.Errorf("%s: error %v, events (-want +got):\n%s", split, err, diff)
				}
			}
		})
	}
}

func TestSSEBrokenOff(t *testing.T) {
	broken := errors.New("reset")
	r := io.MultiReader(strings.NewReader("data: a\n\nevent: error\nda"), iotest.ErrReader(broken))
	got, _, err := readEvents(r)
	want := []seen{{Data: "a"}, {Name: "error", Foreign: true}}
	if diff := cmp.Diff(want, got); diff != "" || !errors.Is(err, broken) {
		t.Errorf("error %v, events (-want +got):\n%s", err, diff)
	}
}

func FuzzSSE(f *testing.F) {
	f.Add("id:1\nevent:error\n:HTTP_STATUS/429\ndata:{}\n\n")
	f.Add("data: a\r\ndata: b\r\n\r\n")
	f.Add("\xef\xbb\xbf:x\n\n\n")
	f.Fuzz(func(t *testing.T, text string) {
		got, raw, err := readEvents(strings.NewReader(text))
		if !errors.Is(err, io.EOF) {
			t.Fatalf("error %v", err)
		}
		if split, _, _ := readEvents(iotest.HalfReader(strings.NewReader(text))); !cmp.Equal(got, split) {
			t.Fatalf("split over reads: %+v, want %+v", split, got)
		}
		// What was kept of the events reads as the same events, unless it has
		// carriage returns and byte order marks where none belong.
		if len(text) < maxRaw && !strings.ContainsAny(text, "\r\ufeff") {
			if again, _, _ := readEvents(strings.NewReader(raw)); !cmp.Equal(got, again) {
				t.Fatalf("raw reads as %+v, want %+v", again, got)
			}
		}
	})
}

func TestBounded(t *testing.T) {
	b := &bounded{r: strings.NewReader("abcdef"), max: 4}
	got, err := io.ReadAll(b)
	if string(got) != "abcd" || !errors.Is(err, errTooLarge) || b.n != 4 {
		t.Errorf("read %q, %d, %v", got, b.n, err)
	}
}
