package scenarios

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v4"

	"probe/scenarios/strictyaml"
)

// An Error is one mistake in a scenario, with file, line and column.
type Error = strictyaml.Error

// Errors are all mistakes of a scenario, in the order of the file. Error
// prints every one of them with the line it stands on.
type Errors = strictyaml.Errors

// Load reads a scenario. The name stands in front of error messages: give the
// path as the user knows it. Defaults are filled in. An error is of type
// [Errors] and holds every mistake of the file; whether the scenario may be
// run as it is, says [Scenario.Validate].
func Load(name string, data []byte) (*Scenario, error) {
	doc, err := strictyaml.Parse(name, data)
	if err != nil {
		return nil, err
	}
	s := &Scenario{doc: doc}
	errs := asErrors(doc.Decode(s))
	s.Defaults()
	errs = errs.Without(s.check())
	if err := errs.Err(); err != nil {
		return nil, err
	}
	return s, nil
}

// LoadFile reads a scenario file.
func LoadFile(path string) (*Scenario, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("scenario: %w", err)
	}
	defer f.Close()
	// One byte over the limit is enough for Load to say that it is too large.
	data, err := io.ReadAll(io.LimitReader(f, strictyaml.MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("scenario: %w", err)
	}
	return Load(path, data)
}

// Open reads a scenario by path or, when the argument is a bare name, the
// built-in scenario of that name.
func Open(pathOrBuiltin string) (*Scenario, error) {
	if filepath.Base(pathOrBuiltin) != pathOrBuiltin || filepath.Ext(pathOrBuiltin) == ".yaml" || filepath.Ext(pathOrBuiltin) == ".yml" {
		return LoadFile(pathOrBuiltin)
	}
	s, err := Builtin(pathOrBuiltin)
	if err == nil {
		return s, nil
	}
	if _, missing := os.Stat(pathOrBuiltin); missing == nil {
		return LoadFile(pathOrBuiltin)
	}
	return nil, err
}

// YAML writes the scenario with all defaults and settings, as [Load] reads it.
// It holds no key except embedded ones, which are made up.
func (s *Scenario) YAML() ([]byte, error) {
	data, err := yaml.Dump(s)
	if err != nil {
		return nil, fmt.Errorf("scenario %s: %w", s.Name, err)
	}
	return data, nil
}

// Set puts a value over the scenario, by dotted path: search.max_rps=50,
// keys[0].env=MY_KEY, look_for=requests,tokens. The value is read exactly as
// in a file, and errors name the known keys. Rules between several keys are
// left to [Scenario.Validate], so that settings may come in any order. On an
// error the scenario is unchanged.
func (s *Scenario) Set(path, value string) error {
	doc, err := s.document()
	if err != nil {
		return err
	}
	if err := doc.Set(s, path, value); err != nil {
		return err
	}
	next := &Scenario{doc: doc}
	if err := doc.DecodePartial(next); err != nil {
		return err
	}
	next.Defaults()
	*s = *next
	return nil
}

// document returns a document of the scenario that may be changed.
func (s *Scenario) document() (*strictyaml.Document, error) {
	if s.doc != nil {
		return s.doc.Clone(), nil
	}
	data, err := s.YAML()
	if err != nil {
		return nil, err
	}
	return strictyaml.Parse("scenario "+s.Name, data)
}

// asErrors unwraps what package strictyaml returns, which is Errors or nil.
func asErrors(err error) Errors {
	errs, _ := err.(Errors)
	return errs
}
