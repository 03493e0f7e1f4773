package strictyaml

import (
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Set puts value at path, as if it stood in the file. Example is a pointer to
// the struct that the document will be decoded into; paths are held to it.
// Lists can be replaced whole (look_for=requests,tokens), by index
// (keys[0].env=NAME), and grow by the index after the last. On an error
// nothing is changed. The value itself is only looked at by the next Decode.
func (d *Document) Set(example any, path, value string) error {
	setting := path + "=" + value
	steps, err := parsePath(path)
	if err != nil {
		return settingError(path, err)
	}
	leaf, secret, err := walkType(reflect.TypeOf(example).Elem(), steps)
	if err != nil {
		return settingError(path, err)
	}
	if secret {
		setting = path + "=…"
	}
	node, err := settingNode(leaf, value)
	if err != nil {
		return settingError(path, err)
	}
	next := d.Clone()
	next.settings = append(next.settings, setting)
	mark(node, -len(next.settings))
	if err := put(next.root, steps, node, -len(next.settings)); err != nil {
		return settingError(path, err)
	}
	*d = *next
	return nil
}

// settingError is an error at a setting, which has no line.
func settingError(path string, err error) error {
	return Errors{{File: "--set " + path, Path: path, Message: err.Error()}}
}

// walkType returns the type that the path leads to, and whether it is secret.
func walkType(t reflect.Type, steps []step) (leaf reflect.Type, secret bool, err error) {
	path := ""
	for _, s := range steps {
		for t.Kind() == reflect.Pointer {
			t = t.Elem()
		}
		switch {
		case isScalar(t):
			return nil, false, fmt.Errorf("%s is a single value and has no parts", path)
		case t.Kind() == reflect.Slice:
			if s.index < 0 {
				return nil, false, fmt.Errorf("%s is a list: want an index, as in %s[0]", path, path)
			}
			path, t = index(path, s.index), t.Elem()
			continue
		case s.index >= 0:
			return nil, false, fmt.Errorf("%s is no list and takes no index", path)
		case t.Kind() == reflect.Map:
			t = t.Elem()
		default:
			f, ok := fieldOf(t, s.key)
			if !ok {
				return nil, false, fmt.Errorf("%s", unknownKey(s.key, path, keysOf(t)))
			}
			t = f.Type
			secret = secret || f.Tag.Get("secret") == "true"
		}
		path = join(path, s.key)
	}
	return t, secret, nil
}

// settingNode makes a node of the text of a setting. Single values are taken
// as they are; lists may be written without brackets; all else is YAML.
func settingNode(t reflect.Type, value string) (*yaml.Node, error) {
	if isScalar(t) {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}, nil
	}
	if t.Kind() == reflect.Slice && isScalar(t.Elem()) && !strings.HasPrefix(strings.TrimSpace(value), "[") {
		value = "[" + value + "]"
	}
	var top yaml.Node
	if err := yaml.Load([]byte(value), &top); err != nil || len(top.Content) != 1 {
		return nil, fmt.Errorf("the value is no YAML; want a list such as [a, b] or keys and values such as {a: 1}")
	}
	return top.Content[0], nil
}

// mark makes every node below n remember its setting, by a negative line.
func mark(n *yaml.Node, line int) {
	n.Line, n.Column = line, 0
	for _, child := range n.Content {
		mark(child, line)
	}
}

// put hangs node into the tree at the place that steps name, making the
// mappings and lists on the way.
func put(at *yaml.Node, steps []step, node *yaml.Node, line int) error {
	for i, s := range steps {
		child, err := childOf(at, s, line)
		if err != nil {
			return err
		}
		if i == len(steps)-1 {
			*child = *node
			return nil
		}
		if isNull(child) {
			kind, tag := yaml.MappingNode, "!!map"
			if steps[i+1].index >= 0 {
				kind, tag = yaml.SequenceNode, "!!seq"
			}
			*child = yaml.Node{Kind: kind, Tag: tag, Line: line}
		}
		at = child
	}
	return nil
}

// childOf returns the node below at that s names; a new one, without a value,
// when there is none yet.
func childOf(at *yaml.Node, s step, line int) (*yaml.Node, error) {
	fresh := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null", Line: line}
	if s.index < 0 {
		if at.Kind != yaml.MappingNode {
			return nil, fmt.Errorf("there is %s where key %q would go", kindOf(at), s.key)
		}
		for i := 0; i+1 < len(at.Content); i += 2 {
			if at.Content[i].Value == s.key {
				return at.Content[i+1], nil
			}
		}
		key := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s.key, Line: line}
		at.Content = append(at.Content, key, fresh)
		return fresh, nil
	}
	switch {
	case at.Kind != yaml.SequenceNode:
		return nil, fmt.Errorf("there is %s where a list would be", kindOf(at))
	case s.index > len(at.Content):
		return nil, fmt.Errorf("index %d is past the end: the list has %d, so the next is [%d]",
			s.index, len(at.Content), len(at.Content))
	case s.index == len(at.Content):
		at.Content = append(at.Content, fresh)
		return fresh, nil
	}
	return at.Content[s.index], nil
}
