package scenarios

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"probe/scenarios/strictyaml"
)

var docsPath = filepath.Join("..", "docs", "scenarios.md")

// schemaKey is one key of the schema, for the reference.
type schemaKey struct {
	Path, Type, Default, Description string
	Required                         bool
}

// TestReference keeps the generated parts of docs/scenarios.md equal to the
// program: between <!-- generated: NAME --> and <!-- end -->.
func TestReference(t *testing.T) {
	schema, err := JSONSchema()
	if err != nil {
		t.Fatal(err)
	}
	bad, err := os.ReadFile(filepath.Join("testdata", "bad.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	_, badErr := Load("bad.yaml", bad)
	data, err := os.ReadFile(docsPath)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	text = generated(t, text, "keys", keyTables(schemaKeys(t, schema)))
	text = generated(t, text, "bad", fence("yaml", string(bad)))
	text = generated(t, text, "errors", fence("text", fmt.Sprint(badErr)))
	text = generated(t, text, "builtins", builtinTable(t))
	golden(t, docsPath, []byte(text))
}

// TestReferenceIsComplete: every key of the type is in the reference.
func TestReferenceIsComplete(t *testing.T) {
	data, err := os.ReadFile(docsPath)
	if err != nil {
		t.Fatal(err)
	}
	strictyaml.VisitFields(reflect.TypeFor[Scenario](), func(keys []string, _ reflect.StructField) {
		if !strings.Contains(string(data), "`"+keys[len(keys)-1]+"`") {
			t.Errorf("docs/scenarios.md does not have %s", strings.Join(keys, "."))
		}
	})
}

// TestReferenceExamples: every YAML example of the reference that is a whole
// scenario can be loaded.
func TestReferenceExamples(t *testing.T) {
	data, err := os.ReadFile(docsPath)
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, block := range strings.Split(string(data), "```yaml\n")[1:] {
		block, _, _ = strings.Cut(block, "```")
		if !strings.HasPrefix(block, "name: ") || strings.HasPrefix(block, "name: my probe") {
			continue
		}
		found++
		s, err := Load("docs/scenarios.md", []byte(block))
		if err != nil {
			t.Error(err)
		} else if err := s.Validate(); err != nil {
			t.Error(err)
		}
	}
	if found == 0 {
		t.Error("no whole scenario among the examples")
	}
}

func generated(t *testing.T, text, name, content string) string {
	t.Helper()
	begin, end := "<!-- generated: "+name+" -->\n", "<!-- end -->"
	before, rest, ok := strings.Cut(text, begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has no part %q", docsPath, name)
	}
	return before + begin + content + end + after
}

func fence(language, text string) string {
	return "```" + language + "\n" + strings.TrimRight(text, "\n") + "\n```\n"
}

func builtinTable(t *testing.T) string {
	var b strings.Builder
	b.WriteString("| name | what it does | target | budget |\n| --- | --- | --- | --- |\n")
	for _, name := range Builtins() {
		s := mustBuiltin(t, name)
		budget := "yours: `--budget`"
		if !s.Budget.IsZero() {
			budget = "in the file"
		}
		fmt.Fprintf(&b, "| [`%s`](../scenarios/builtin/%s.yaml) | %s | `%s` | %s |\n", name, name, s.Description, s.Target.BaseURL, budget)
	}
	return b.String()
}

// keyTables prints one table for each block of keys.
func keyTables(keys []schemaKey) string {
	var blocks []string
	rows := map[string][]string{}
	for _, k := range keys {
		block, name := "", k.Path
		if i := strings.LastIndex(k.Path, "."); i >= 0 {
			block, name = k.Path[:i], k.Path[i+1:]
		}
		if rows[block] == nil {
			blocks = append(blocks, block)
		}
		dflt := "–"
		switch {
		case k.Required:
			dflt = "required"
		case k.Default != "":
			dflt = "`" + k.Default + "`"
		}
		rows[block] = append(rows[block], fmt.Sprintf("| `%s` | %s | %s | %s |", name, k.Type, dflt, k.Description))
	}
	var b strings.Builder
	for _, block := range blocks {
		title := "`" + block + "`"
		if block == "" {
			title = "Top level"
		}
		fmt.Fprintf(&b, "### %s\n\n| key | type | default | meaning |\n| --- | --- | --- | --- |\n%s\n\n", title, strings.Join(rows[block], "\n"))
	}
	return b.String()
}

// property is as much of JSON Schema as the reference needs.
type property struct {
	Type                 string
	Enum                 []any
	Default              any
	Description          string
	Required             []string
	Items                *property
	AdditionalProperties any
	AnyOf                []property
	Examples             []any
	Properties           json.RawMessage
}

// long is the alternative that has keys, of an element with a short form.
func (p property) long() property {
	for _, alternative := range p.AnyOf {
		if len(alternative.Properties) > 0 {
			return alternative
		}
	}
	return p
}

// schemaKeys lists the keys of a schema, a block before what is in it.
func schemaKeys(t *testing.T, data []byte) []schemaKey {
	t.Helper()
	var top property
	if err := json.Unmarshal(data, &top); err != nil {
		t.Fatal(err)
	}
	return keysBelow(t, "", top)
}

func keysBelow(t *testing.T, path string, p property) []schemaKey {
	var keys, below []schemaKey
	dec := json.NewDecoder(strings.NewReader(string(p.Properties)))
	if _, err := dec.Token(); err != nil {
		t.Fatal(err)
	}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			t.Fatal(err)
		}
		name := token.(string)
		var child property
		if err := dec.Decode(&child); err != nil {
			t.Fatal(err)
		}
		key := schemaKey{Path: path + name, Type: typeName(child), Description: child.Description}
		if child.Default != nil {
			key.Default = fmt.Sprint(child.Default)
		}
		for _, r := range p.Required {
			key.Required = key.Required || r == name
		}
		keys = append(keys, key)
		inner, mark := child, "."
		if child.Items != nil {
			inner, mark = child.Items.long(), "[]."
		}
		if len(inner.Properties) > 0 {
			below = append(below, keysBelow(t, path+name+mark, inner)...)
		}
	}
	return append(keys, below...)
}

// typeName says in a word or two what a key takes.
func typeName(p property) string {
	values := make([]string, 0, len(p.Enum))
	for _, v := range p.Enum {
		values = append(values, fmt.Sprintf("`%v`", v))
	}
	switch {
	case len(values) > 0:
		return strings.Join(values, ", ")
	case p.Items != nil && len(p.Items.Properties) > 0:
		return "list of blocks"
	case p.Items != nil && len(p.Items.long().Properties) > 0:
		return "list of text or blocks"
	case p.Items != nil:
		return "list of " + typeName(*p.Items)
	case len(p.Properties) > 0:
		return "block"
	case len(p.AnyOf) > 0:
		return scalarName(p.Examples)
	case p.AdditionalProperties != nil:
		return "text by name"
	case p.Type == "string" && len(p.Examples) > 0 && p.Examples[0] == "D(100,1000)":
		return "token sizes"
	case p.Type == "string" && len(p.Examples) > 0:
		return "money"
	}
	return map[string]string{"string": "text", "boolean": "true or false", "integer": "whole number", "number": "number"}[p.Type]
}

// scalarName tells the types that read text apart by their examples.
func scalarName(examples []any) string {
	switch fmt.Sprint(examples...) {
	case fmt.Sprint(600.0, "1.5k", "1M"):
		return "quantity"
	case fmt.Sprint(0.01, "1%"):
		return "percent"
	case fmt.Sprint("15m", "1m30s", "500ms"):
		return "duration"
	}
	return "decimal"
}

func TestTypeNames(t *testing.T) {
	schema, err := JSONSchema()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, k := range schemaKeys(t, schema) {
		got[k.Path] = k.Type
	}
	for path, want := range map[string]string{
		"budget.money": "money", "budget.time": "duration", "search.precision": "percent", "declared.rpm": "quantity",
		"prices.tiers[].input": "decimal", "keys": "list of blocks", "search.staircase.rps": "list of quantity", "target.headers": "text by name",
	} {
		if diff := cmp.Diff(want, got[path]); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
}
