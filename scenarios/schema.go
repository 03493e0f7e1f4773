package scenarios

import (
	"embed"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"strings"

	"github.com/invopop/jsonschema"
	"github.com/shopspring/decimal"

	"probe/scenarios/strictyaml"
)

// sources are the files whose comments become the schema's descriptions: every
// file that has a type of the scenario.
//
//go:embed scenario.go endpoint.go gates.go workload.go strategy.go compare.go
var sources embed.FS

// JSONSchema returns the schema of scenario files, for editors and for
// validation elsewhere. It is made from the type [Scenario]: keys and required
// keys, allowed values, defaults, and the comments as descriptions. Rules
// between several keys are beyond it; [Load] knows them.
func JSONSchema() ([]byte, error) {
	comments, err := fieldComments()
	if err != nil {
		return nil, err
	}
	r := &jsonschema.Reflector{
		Anonymous:      true,
		DoNotReference: true, // editors show the description of a key only beside its own schema
		FieldNameTag:   "yaml",
		Mapper:         scalarSchema,
		LookupComment: func(t reflect.Type, field string) string {
			return comments[t.Name()+"."+field]
		},
	}
	schema := r.Reflect(&Scenario{})
	schema.Version = "http://json-schema.org/draft-07/schema#" // what editors' YAML plugins know best
	schema.Title = "probe scenario"
	strictyaml.VisitFields(reflect.TypeFor[Scenario](), func(keys []string, f reflect.StructField) {
		refine(find(schema, keys), f.Tag)
	})
	strictyaml.VisitFields(reflect.TypeFor[Scenario](), func(keys []string, f reflect.StructField) {
		if f.Tag.Get("short") == "true" {
			short(find(schema, keys[:len(keys)-1]), keys[len(keys)-1])
		}
	})
	data, err := json.MarshalIndent(schema, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("scenario schema: %w", err)
	}
	return append(data, '\n'), nil
}

// find walks from key to key, through lists.
func find(s *jsonschema.Schema, keys []string) *jsonschema.Schema {
	for _, key := range keys {
		if s.Items != nil {
			s = s.Items
		}
		s, _ = s.Properties.Get(key)
	}
	return s
}

// refine adds what the field's tags say: allowed values and the default.
func refine(s *jsonschema.Schema, tag reflect.StructTag) {
	if text, ok := tag.Lookup("default"); ok {
		s.Default = literal(s, text)
	}
	list, ok := tag.Lookup("enum")
	if !ok {
		return
	}
	if s.Items != nil {
		s = s.Items
	}
	for value := range strings.SplitSeq(list, ",") {
		s.Enum = append(s.Enum, literal(s, value))
	}
}

// short lets one key of a list's elements stand for the whole element.
func short(list *jsonschema.Schema, key string) {
	long := list.Items
	value, _ := long.Properties.Get(key)
	list.Items = &jsonschema.Schema{AnyOf: []*jsonschema.Schema{
		{Type: value.Type, Description: value.Description}, long,
	}}
}

// literal returns text as a JSON value of the schema's type.
func literal(s *jsonschema.Schema, text string) any {
	if s.Type != "string" && json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	return text
}

// scalarSchema maps the types that are read from text as people write it.
func scalarSchema(t reflect.Type) *jsonschema.Schema {
	switch t {
	case reflect.TypeFor[Quantity]():
		return numberOrText(quantityPattern, 600, "1.5k", "1M")
	case reflect.TypeFor[Percent]():
		s := numberOrText(percentPattern, 0.01, "1%")
		s.AnyOf[0].ExclusiveMaximum = "1"
		return s
	case reflect.TypeFor[Duration]():
		return numberOrText(durationPattern, "15m", "1m30s", "500ms")
	case reflect.TypeFor[decimal.Decimal]():
		return numberOrText(`^[0-9]+(\.[0-9]+)?$`, json.RawMessage("1.20"))
	case reflect.TypeFor[TokenSizes]():
		return &jsonschema.Schema{Type: "string", Pattern: sizesPattern, Examples: []any{"D(100,1000)", "N(480,240)/(300,150)", "U(50,100)/(200,250)"}}
	case reflect.TypeFor[Money]():
		return &jsonschema.Schema{Type: "string", Pattern: moneyPattern, Examples: []any{"2 USD", "0.50 EUR", "$2"}}
	}
	return nil
}

// numberOrText is the schema of a number from 0 on, or of text of that shape.
func numberOrText(pattern string, examples ...any) *jsonschema.Schema {
	return &jsonschema.Schema{
		AnyOf: []*jsonschema.Schema{
			{Type: "number", Minimum: "0"},
			{Type: "string", Pattern: pattern},
		},
		Examples: examples,
	}
}

// fieldComments returns the comment above every field, as "Type.Field".
func fieldComments() (map[string]string, error) {
	comments := map[string]string{}
	files, err := sources.ReadDir(".")
	if err != nil {
		return nil, fmt.Errorf("scenario schema: %w", err)
	}
	for _, f := range files {
		name := f.Name()
		source, err := sources.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("scenario schema: %w", err)
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, source, parser.ParseComments)
		if err != nil {
			return nil, fmt.Errorf("scenario schema: %w", err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.TypeSpec)
			if !ok {
				return true
			}
			fields, ok := spec.Type.(*ast.StructType)
			if !ok {
				return false
			}
			for _, f := range fields.Fields.List {
				for _, ident := range f.Names {
					comments[spec.Name.Name+"."+ident.Name] = strings.Join(strings.Fields(f.Doc.Text()), " ")
				}
			}
			return false
		})
	}
	return comments, nil
}
