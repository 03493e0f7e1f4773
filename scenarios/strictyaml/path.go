package strictyaml

import (
	"fmt"
	"strconv"
	"strings"
)

// A step is one part of a dotted path: a key, or an index into a list.
type step struct {
	key   string
	index int // -1: a key
}

// maxIndex bounds list indexes in paths.
const maxIndex = 999

// parsePath reads a dotted path with list indexes, such as keys[0].env.
func parsePath(path string) ([]step, error) {
	var steps []step
	for part := range strings.SplitSeq(path, ".") {
		key, indexes, _ := strings.Cut(part, "[")
		if key == "" {
			return nil, fmt.Errorf("%q is no path; want one such as search.max_rps or keys[0].env", path)
		}
		steps = append(steps, step{key, -1})
		if !strings.Contains(part, "[") {
			continue
		}
		for text := range strings.SplitSeq(indexes, "[") {
			n, err := strconv.Atoi(strings.TrimSuffix(text, "]"))
			if err != nil || n < 0 || n > maxIndex || !strings.HasSuffix(text, "]") {
				return nil, fmt.Errorf("%q is no path; an index is written as in keys[0], from 0 to %d", path, maxIndex)
			}
			steps = append(steps, step{"", n})
		}
	}
	return steps, nil
}

// join appends a key to a path.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// index appends a list index to a path.
func index(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// parent removes the last part of a path.
func parent(path string) string {
	return path[:max(0, strings.LastIndexAny(path, ".["))]
}

// last returns the last part of a path, with the name of the list in front of
// an index; "the file" for the top.
func last(path string) string {
	if path == "" {
		return "the file"
	}
	return path[strings.LastIndex(path, ".")+1:]
}

// in says where a key is, for messages; nothing for the top.
func in(path string) string {
	if path == "" {
		return ""
	}
	return " in " + path
}

// within reports whether path is the value at of, or a part of it.
func within(path, of string) bool {
	rest, ok := strings.CutPrefix(path, of)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}
