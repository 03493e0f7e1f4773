// Package strictyaml decodes YAML into Go structs and reports every mistake
// at its place: unknown and missing keys, values of the wrong type or unit,
// values that are not allowed. All mistakes of a file are reported at once.
//
// Structs are described by their field tags:
//
//	yaml:"name,omitempty"  the key; without omitempty it must be there
//	enum:"a,b"             the allowed values
//	default:"15m"          what a missing key means, as it would be written
//	check:"positive,whole" numbers and durations: above 0; without a fraction
//	short:"true"           a single value in place of the mapping is this key
//	secret:"true"          never shown in an error, nor anything below it
//
// Aliases, merge keys and several documents in a file are refused: files stay
// readable from top to bottom, and a small file cannot unfold into a huge one.
package strictyaml

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// MaxSize is the largest file that is read, in bytes.
const MaxSize = 1 << 20

// A Document is one parsed YAML file, with the settings made over it.
type Document struct {
	name     string
	lines    []string
	root     *yaml.Node
	settings []string         // "path=value" of every Set; see Document.mark
	places   map[string]place // where the last Decode found each value
}

// place is a value in the document.
type place struct {
	node   *yaml.Node
	secret bool
}

// Parse reads one YAML document whose top is a mapping. The name stands in
// front of error messages, so it should be the path that the user knows. The
// error, if any, is of type [Errors].
func Parse(name string, data []byte) (*Document, error) {
	d := &Document{name: name, places: map[string]place{}}
	if len(data) > MaxSize {
		return nil, Errors{{File: name, Line: 1, Column: 1, Message: fmt.Sprintf(
			"the file has %d bytes; the most that is read is %d", len(data), MaxSize)}}
	}
	d.lines = strings.Split(string(data), "\n")
	var top yaml.Node
	if err := yaml.Load(data, &top); err != nil {
		return nil, Errors{d.syntaxError(err)}
	}
	if top.Kind != yaml.DocumentNode || len(top.Content) != 1 {
		return nil, Errors{{File: name, Line: 1, Column: 1, Message: "the file is empty"}}
	}
	d.root = top.Content[0]
	if d.root.Kind != yaml.MappingNode {
		return nil, Errors{d.at(d.root, true, "want keys and values (key: value), got %s", kindOf(d.root))}
	}
	return d, nil
}

// syntaxError places an error of the YAML parser.
func (d *Document) syntaxError(err error) Error {
	e := Error{File: d.name, Line: 1, Column: 1}
	var load *yaml.LoadError
	switch {
	case !errors.As(err, &load):
		e.Message = strings.TrimPrefix(err.Error(), "yaml: ")
	case load.Mark.Line < 1:
		e.Message = load.Message
	default:
		e.Line, e.Column = load.Mark.Line, max(1, load.Mark.Column)
		e.Message = load.Message
	}
	if strings.Contains(e.Message, "no documents") {
		e.Message = "the file is empty"
		return e
	}
	if strings.HasPrefix(e.Message, "mapping values are not allowed") {
		e.Message += " (indentation, or a value with a colon that needs quotes?)"
	}
	e.Excerpt = d.excerpt(e.Line, e.Column, 0)
	return e
}

// Clone returns a copy that can be changed by [Document.Set] on its own.
func (d *Document) Clone() *Document {
	c := *d
	c.root = cloneNode(d.root)
	c.settings = slices.Clone(d.settings)
	c.places = map[string]place{}
	return &c
}

// cloneNode copies a tree without aliases. Nodes of aliases are kept as they
// are: the decoder refuses them.
func cloneNode(n *yaml.Node) *yaml.Node {
	c := *n
	c.Content = make([]*yaml.Node, len(n.Content))
	for i, child := range n.Content {
		c.Content[i] = cloneNode(child)
	}
	return &c
}

// kindOf names what n is, for messages.
func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "keys and values"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	}
	if isNull(n) {
		return "nothing"
	}
	return "a single value"
}

// isNull reports whether n is a key without a value, or null.
func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }
