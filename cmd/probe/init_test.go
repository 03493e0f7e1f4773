package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"probe/scenarios"
	"probe/scenarios/providers"
)

// Every scenario that init writes loads, and runs as far as its file is
// concerned unless init has said what is missing.
func TestInitLoads(t *testing.T) {
	for _, name := range providers.Names() {
		for _, purpose := range purposes {
			t.Run(name+"/"+purpose, func(t *testing.T) {
				out := filepath.Join(t.TempDir(), "s.yaml")
				var stderr bytes.Buffer
				a := app{args: []string{"init", "--provider", name, "--purpose", purpose, "--out", out}, stderr: &stderr, stdin: strings.NewReader("")}
				if code := run(t.Context(), a); code != exitDone {
					t.Fatalf("exit %d: %s", code, &stderr)
				}
				s, err := scenarios.LoadFile(out)
				if err != nil {
					t.Fatal(err)
				}
				if s.Target.Provider != name || s.Target.Model == "" || s.Description == "" {
					t.Errorf("target %+v", s.Target)
				}
				if err := s.ValidateComparison(); (err == nil) != (purpose == forCompare) {
					t.Errorf("validate comparison: %v", err)
				}
				err = s.Validate()
				if filled := !strings.Contains(stderr.String(), "fill in base_url"); (err == nil) != filled {
					t.Errorf("validate: %v; said %s", err, &stderr)
				}
				if strings.Contains(s.Target.BaseURL, "{") || (purpose == forGate) != (len(s.Gates) > 0) {
					t.Errorf("base_url %q, %d gates", s.Target.BaseURL, len(s.Gates))
				}
			})
		}
	}
}

func TestInitAsks(t *testing.T) {
	for _, tc := range []struct {
		name, input string
		flags       initOptions
		want        scenarios.Target
		purpose     string
		out, err    string
	}{
		{name: "answers", input: "alibaba\nmainland\n\nqwen-flash\ngate\nmine.yaml\n",
			want:    scenarios.Target{Provider: "alibaba", BaseURL: "https://dashscope.aliyuncs.com/compatible-mode/v1", Model: "qwen-flash"},
			purpose: forGate, out: "mine.yaml"},
		{name: "empty lines take the usual", input: "\n\n\n\n\n\n",
			want:    scenarios.Target{Provider: "generic", BaseURL: "http://localhost:8000/v1", Model: "my-model"},
			purpose: forCapacity, out: "generic-my-model.yaml"},
		{name: "a wrong choice is asked again", input: "opneai\nopenai\nglobal\n\ngpt-4o\nall\ncompare\n\n",
			want:    scenarios.Target{Provider: "openai", BaseURL: "https://api.openai.com/v1", Model: "gpt-4o"},
			purpose: forCompare, out: "openai-gpt-4o.yaml"},
		{name: "what flags say is not asked", input: "https://me.openai.azure.com/openai/v1\n",
			flags:   initOptions{provider: "azure", region: "resource", model: "gpt-4o", purpose: forGate, out: "a.yaml"},
			want:    scenarios.Target{Provider: "azure", BaseURL: "https://me.openai.azure.com/openai/v1", Model: "gpt-4o"},
			purpose: forGate, out: "a.yaml"},
		{name: "the input ends", input: "openai\n", err: "no answer for region"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var said bytes.Buffer
			o := tc.flags
			f, err := o.form(prompter(strings.NewReader(tc.input), &said))
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Fatalf("error %v, want %q", err, tc.err)
				}
				return
			}
			if err != nil {
				t.Fatalf("%v\n%s", err, &said)
			}
			text, err := f.render()
			if err != nil {
				t.Fatal(err)
			}
			s, err := scenarios.Load("s.yaml", text)
			if err != nil {
				t.Fatal(err)
			}
			got := s.Target
			if got.Provider != tc.want.Provider || got.BaseURL != tc.want.BaseURL || got.Model != tc.want.Model || f.Purpose != tc.purpose || o.out != tc.out {
				t.Errorf("got %+v for %s in %s\n%s", got, f.Purpose, o.out, &said)
			}
		})
	}
}

// Whatever a model or URL is called, it stays a value.
func TestInitHostileNames(t *testing.T) {
	for _, model := range []string{"a: b", "# no", "yes", `"`, "{{.}}", "qwen/qwen3:free", "模型", "- x", "'"} {
		o := initOptions{provider: "generic", model: model}
		f, err := o.form(silent)
		if err != nil {
			t.Errorf("%q: %v", model, err)
			continue
		}
		text, err := f.render()
		if err != nil {
			t.Errorf("%q: %v", model, err)
			continue
		}
		if s, err := scenarios.Load("s.yaml", text); err != nil || s.Target.Model != model {
			t.Errorf("%q: %v", model, err)
		}
	}
	o := initOptions{model: "a\nname: b"}
	if _, err := o.form(silent); err == nil {
		t.Error("a line break was taken")
	}
}
