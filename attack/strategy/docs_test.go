package strategy_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

var goBlock = regexp.MustCompile("(?s)```go\n(.*?)```")

// The Go code in docs/strategies.md is code that the tests run.
func TestDocumentedCode(t *testing.T) {
	doc, err := os.ReadFile("../../docs/strategies.md")
	if err != nil {
		t.Fatal(err)
	}
	var tested string
	for _, name := range []string{"example_test.go", "sdktest/sdk_test.go"} {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		tested += flat(string(source))
	}
	blocks := goBlock.FindAllStringSubmatch(string(doc), -1)
	if len(blocks) != 2 {
		t.Fatalf("%d blocks of Go code, want 2", len(blocks))
	}
	for _, b := range blocks {
		if !strings.Contains(tested, flat(b[1])) {
			t.Errorf("no test has this code of docs/strategies.md:\n%s", b[1])
		}
	}
}

// flat forgets how far lines are indented.
func flat(code string) string {
	lines := strings.Split(code, "\n")
	for i := range lines {
		lines[i] = strings.TrimSpace(lines[i])
	}
	return strings.Join(lines, "\n")
}
