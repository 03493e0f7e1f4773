package scenarios

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v4"
)

func TestJSONSchemaIsPublished(t *testing.T) {
	data, err := JSONSchema()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, filepath.Join("..", "docs", "scenario.schema.json"), data)
}

func TestBuiltinsMatchSchema(t *testing.T) {
	schema := compileSchema(t)
	for _, name := range Builtins() {
		data, err := BuiltinSource(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(asJSON(t, data)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		first, _, _ := strings.Cut(string(data), "\n")
		path, ok := strings.CutPrefix(first, "# yaml-language-server: $schema=")
		if !ok {
			t.Errorf("%s: the first line names no schema: %s", name, first)
		} else if _, err := os.Stat(filepath.Join("builtin", filepath.FromSlash(path))); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		full, err := mustBuiltin(t, name).YAML()
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(asJSON(t, full)); err != nil {
			t.Errorf("%s with defaults: %v", name, err)
		}
	}
}

func TestSchemaRefuses(t *testing.T) {
	schema := compileSchema(t)
	for name, text := range map[string]string{
		"unknown key":     minimal + "serach: {}\n",
		"missing name":    "target: {}\n",
		"enum":            minimal + "search: {method: fast}\n",
		"enum in a list":  minimal + "look_for: [token]\n",
		"money":           minimal + "budget: {money: 2}\n",
		"duration":        minimal + "budget: {time: ten}\n",
		"quantity":        minimal + "budget: {tokens: many}\n",
		"negative":        minimal + "budget: {tokens: -1}\n",
		"percent":         minimal + "search: {precision: 3}\n",
		"status":          minimal + "endpoint: {free_quota_status: 404}\n",
		"limit in a list": minimal + "endpoint: {limits: [{amount: 3}]}\n",
	} {
		if err := schema.Validate(asJSON(t, []byte(text))); err == nil {
			t.Errorf("%s: the schema accepts\n%s", name, text)
		}
	}
}

func TestSchemaDescribesEverything(t *testing.T) {
	data, err := JSONSchema()
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range schemaKeys(t, data) {
		if key.Description == "" {
			t.Errorf("%s has no description: give its field a comment", key.Path)
		}
	}
}

func compileSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	data, err := JSONSchema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("scenario.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("scenario.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// asJSON reads YAML as a validator of JSON sees it.
func asJSON(t *testing.T, data []byte) any {
	t.Helper()
	var v any
	if err := yaml.Load(data, &v); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}
