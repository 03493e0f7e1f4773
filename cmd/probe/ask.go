package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"
)

// An asker returns a value: the given one or, if that is empty, an answer or
// the usual value. The choices, if any, are what may be answered.
type asker func(what, given, usual string, choices []string) (string, error)

// silent asks nobody.
func silent(_, given, usual string, _ []string) (string, error) {
	if given != "" {
		return given, nil
	}
	return usual, nil
}

// prompter asks at a terminal. An empty answer takes the usual value; the end
// of the input is an error.
func prompter(in io.Reader, out io.Writer) asker {
	lines := bufio.NewScanner(in)
	return func(what, given, usual string, choices []string) (string, error) {
		if given != "" {
			return given, nil
		}
		if len(choices) == 1 {
			return choices[0], nil
		}
		for {
			if len(choices) > 0 {
				fmt.Fprintf(out, "%s, one of %s\n", what, strings.Join(choices, ", "))
			}
			fmt.Fprintf(out, "%s [%s]: ", what, usual)
			if !lines.Scan() {
				fmt.Fprintln(out)
				if err := lines.Err(); err != nil {
					return "", err
				}
				return "", fmt.Errorf("no answer for %s; flags or --yes answer without a terminal", what)
			}
			answer := strings.TrimSpace(lines.Text())
			if answer == "" {
				return usual, nil
			}
			if len(choices) == 0 || contains(choices, answer) {
				return answer, nil
			}
			fmt.Fprintf(out, "%q is not among them\n", answer)
		}
	}
}

func contains(choices []string, answer string) bool {
	for _, c := range choices {
		if strings.EqualFold(c, answer) {
			return true
		}
	}
	return false
}

// isTerminal reports whether somebody can answer.
func isTerminal(r io.Reader) bool {
	f, ok := r.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
