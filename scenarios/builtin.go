package scenarios

import (
	"embed"
	"fmt"
	"slices"
	"strings"

	"probe/scenarios/strictyaml"
)

//go:embed builtin/*.yaml
var builtinFiles embed.FS

// Builtins returns the names of the built-in scenarios, sorted.
func Builtins() []string {
	entries, _ := builtinFiles.ReadDir("builtin") // embedded: it is there
	names := make([]string, 0, len(entries))
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".yaml"))
	}
	slices.Sort(names) // file names sort otherwise: their extension counts
	return names
}

// Builtin reads the built-in scenario of that name.
func Builtin(name string) (*Scenario, error) {
	data, err := BuiltinSource(name)
	if err != nil {
		return nil, err
	}
	return Load("builtin/"+name+".yaml", data)
}

// BuiltinSource returns the file of a built-in scenario, comments included.
func BuiltinSource(name string) ([]byte, error) {
	data, err := builtinFiles.ReadFile("builtin/" + name + ".yaml")
	if err == nil {
		return data, nil
	}
	hint := ";"
	if near := strictyaml.Nearest(name, Builtins()); near != "" {
		hint = fmt.Sprintf("; did you mean %q?", near)
	}
	return nil, fmt.Errorf("no scenario file or built-in scenario %q%s built in: %s",
		clip(name), hint, strings.Join(Builtins(), ", "))
}
