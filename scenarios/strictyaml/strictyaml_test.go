package strictyaml_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"probe/scenarios/strictyaml"
)

type config struct {
	Name  string   `yaml:"name"`
	Mode  string   `yaml:"mode,omitempty" enum:"fast,slow" default:"slow"`
	Count int      `yaml:"count,omitempty" default:"3" check:"positive"`
	Rules []rule   `yaml:"rules,omitempty"`
	Tags  []string `yaml:"tags,omitempty"`
	Extra *rule    `yaml:"extra,omitempty"`
}

type rule struct {
	When string  `yaml:"when"`
	Rate float64 `yaml:"rate,omitempty"`
	On   *bool   `yaml:"on,omitempty" default:"true"`
}

// All mistakes of a file are reported at once, each at its place.
func Example() {
	doc, err := strictyaml.Parse("conf.yaml", []byte("name: x\nmode: quick\nrules:\n  - {wen: now}\n"))
	if err != nil {
		fmt.Println(err)
		return
	}
	var c config
	fmt.Println(doc.Decode(&c))
	// Output:
	// conf.yaml:2:7: mode: unknown value "quick"; allowed: fast, slow
	//   2 | mode: quick
	//     |       ^
	// conf.yaml:4:5: missing key "when" in rules[0]
	//   4 |   - {wen: …
	//     |     ^
	// conf.yaml:4:6: unknown key "wen" in rules[0]; did you mean "when"? known keys: when, rate, on
	//   4 |   - {wen: …
	//     |      ^
}

func TestDecodeAndFill(t *testing.T) {
	doc, err := strictyaml.Parse("f", []byte("name: x\nrules: [{when: a, on: no}, {when: b, rate: 0.5}]\nextra:\n"))
	if err != nil {
		t.Fatal(err)
	}
	var got config
	if err := doc.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if err := strictyaml.Fill(&got); err != nil {
		t.Fatal(err)
	}
	yes, no := true, false
	want := config{Name: "x", Mode: "slow", Count: 3, Rules: []rule{{When: "a", On: &no}, {When: "b", Rate: 0.5, On: &yes}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestFillNamesWrongTags(t *testing.T) {
	var v struct {
		Count int `yaml:"count" default:"many"`
	}
	if err := strictyaml.Fill(&v); err == nil || !strings.Contains(err.Error(), "default of Count") {
		t.Errorf("got %v", err)
	}
}

func TestNearest(t *testing.T) {
	known := []string{"rpm", "rps", "tpm", "max_rps", "description"}
	for word, want := range map[string]string{
		"rsp": "rps", "RPM": "rpm", "maxrps": "max_rps", "max_rsp": "max_rps", "descripton": "description",
		"budget": "", "x": "", "": "", strings.Repeat("r", 1000): "",
	} {
		if got := strictyaml.Nearest(word, known); got != want {
			t.Errorf("Nearest(%q): got %q, want %q", word, got, want)
		}
	}
}

func TestErrorfFindsTheNearestPlace(t *testing.T) {
	doc, err := strictyaml.Parse("f", []byte("name: x\nrules:\n  - when: a\n"))
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Decode(&config{}); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"name": "f:1:7: m", "rules[0].when": "f:3:11: m", "rules[0].rate": "f:3:5: m", "rules[7].when": "f:3:3: m", "nowhere": "f:1:1: m",
	} {
		if got := doc.Errorf(path, "m").Error(); got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
	var none *strictyaml.Document
	if got := none.Errorf("a.b", "m").Error(); got != "a.b: m" {
		t.Errorf("without a document: got %s", got)
	}
}

func FuzzSet(f *testing.F) {
	f.Add("rules[0].when", "x")
	f.Add("tags", "a, b")
	f.Add("extra", "{when: [}")
	f.Add("name", "")
	f.Add("rules[1]", "&a [*a]")
	f.Fuzz(func(t *testing.T, path, value string) {
		doc, err := strictyaml.Parse("f", []byte("name: x\nrules:\n  - when: a\n"))
		if err != nil {
			t.Fatal(err)
		}
		if doc.Set(&config{}, path, value) != nil {
			return
		}
		var c config
		if err := doc.Decode(&c); err != nil && err.Error() == "" {
			t.Fatal("an empty error")
		}
	})
}
