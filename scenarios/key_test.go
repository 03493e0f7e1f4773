package scenarios

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"
)

const canary = "c4n4ry-0123456789"

func TestKeyRead(t *testing.T) {
	env := map[string]string{"SET": canary, "PADDED": " " + canary + "\n", "EMPTY": "", "BROKEN": canary + "\n" + canary, "LONG": strings.Repeat(canary, 1000)}
	files := map[string]string{"f": canary + "\n", "two": canary + "\nX-Injected: 1\n"}
	readFile := func(path string) ([]byte, error) {
		if text, ok := files[path]; ok {
			return []byte(text), nil
		}
		return nil, &fs.PathError{Op: "open", Path: path, Err: fs.ErrNotExist}
	}
	tests := []struct {
		name     string
		key      Key
		loopback bool
		want     string // the key, or part of the error after "!"
	}{
		{"environment", Key{Env: "SET"}, false, canary},
		{"white space around it", Key{Env: "PADDED"}, false, canary},
		{"file", Key{File: "f"}, false, canary},
		{"file when the variable is empty", Key{Env: "EMPTY", File: "f"}, false, canary},
		{"embedded on loopback", Key{Embedded: "e"}, true, "e"},
		{"embedded before a real one on loopback", Key{Embedded: "e", Env: "SET"}, true, "e"},
		{"the real one elsewhere", Key{Embedded: "e", Env: "SET"}, false, canary},
		{"embedded elsewhere", Key{Embedded: "e"}, false, "!key k is embedded, and only loopback accepts that"},
		{"variable not set", Key{Env: "UNSET"}, false, "!key k: environment variable UNSET is not set or empty"},
		{"line break", Key{Env: "BROKEN"}, false, "!environment variable BROKEN holds spaces, line breaks"},
		{"too long", Key{Env: "LONG"}, false, "!environment variable LONG holds more than"},
		{"two lines in a file", Key{File: "two"}, false, "!file two holds spaces"},
		{"no file", Key{File: "none"}, false, "!key k: open none"},
		{"nothing", Key{}, false, "!give it env or file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.key.Name = "k"
			got, err := tt.key.Read(func(name string) string { return env[name] }, readFile, tt.loopback)
			if part, wantErr := strings.CutPrefix(tt.want, "!"); wantErr {
				if err == nil || !strings.Contains(err.Error(), part) {
					t.Errorf("got %v, want %q", err, part)
				}
				if err != nil && strings.Contains(err.Error(), canary) {
					t.Errorf("the key is in the error: %v", err)
				}
				return
			}
			if err != nil || got.Reveal() != tt.want || got.Name() != "k" {
				t.Errorf("got %q, %v", got.Reveal(), err)
			}
		})
	}
}

func TestReadKeys(t *testing.T) {
	s := mustBuiltin(t, "quickstart")
	secrets, err := s.ReadKeys(func(string) string { return "" }, nil)
	if err != nil || len(secrets) != 2 || secrets[1].Reveal() != "probe-trial" {
		t.Errorf("got %v, %v", secrets, err)
	}
	s = mustBuiltin(t, "qwen3-max")
	if _, err = s.ReadKeys(func(string) string { return "" }, nil); err == nil || !strings.Contains(err.Error(), "DASHSCOPE_API_KEY") {
		t.Errorf("got %v", err)
	}
}

// TestSecretIsNotPrinted tries every usual way for a key to get out.
func TestSecretIsNotPrinted(t *testing.T) {
	secret := NewSecret("main", canary)
	type holder struct {
		Public  Secret
		private Secret
		pointer *Secret
		list    []Secret
	}
	h := holder{secret, secret, &secret, []Secret{secret}}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
		fmt.Fprintf(&out, verb+"\n", secret)
		fmt.Fprintf(&out, verb+"\n", h)
		fmt.Fprintf(&out, verb+"\n", &h)
	}
	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		slog.New(handler).Info("run", "key", secret, "holder", h)
	}
	for _, marshal := range []func(any) ([]byte, error){json.Marshal, func(v any) ([]byte, error) { return yaml.Dump(v) }} {
		data, err := marshal(map[string]any{"key": secret, "public": h.Public})
		if err != nil {
			t.Fatal(err)
		}
		out.Write(data)
	}
	fmt.Fprintln(&out, fmt.Errorf("request with %v failed", secret))
	if strings.Contains(out.String(), canary) || strings.Contains(out.String(), fmt.Sprintf("%x", canary)) {
		t.Errorf("the key was printed:\n%s", out.String())
	}
	if !strings.Contains(out.String(), "[key main]") {
		t.Errorf("the name was not printed:\n%s", out.String())
	}
	if got := (Secret{}).String(); got != "[redacted]" {
		t.Errorf("got %q", got)
	}
	if (Secret{}).Reveal() != "" || !(Secret{}).IsZero() || secret.IsZero() {
		t.Error("the zero Secret is no key")
	}
}
