package reports

import (
	"encoding/xml"
	"fmt"
	"io"
	"strings"

	"probe/analysis"
	"probe/analysis/gate"
)

// JUnit writes results as JUnit XML, in the elements that GitHub's and
// GitLab's readers and Jenkins share.
//
// With gates there is a test case for each: one that fails has a failure, an
// undecided one an error, and an undecided one that is allowed is skipped.
// Without gates the test cases are what a run claims of itself: that it is
// complete, and each closing check. What was found, and the warnings, are in
// the suite's system-out.
func JUnit(w io.Writer, d *analysis.Document, results gate.Results) error {
	suite := junitSuite{Name: "probe gates", Cases: gateCases(results)}
	if len(results) == 0 {
		suite = junitSuite{Name: "probe run", Cases: runCases(d)}
	}
	suite.Properties = junitProperties(d)
	suite.SystemOut = strings.Join(append(verdict(d), prefixed("warning: ", d.Warnings)...), "\n")
	for _, c := range suite.Cases {
		suite.count(c)
	}
	all := junitSuites{Name: "probe", junitCounts: suite.junitCounts, Suites: []junitSuite{suite}}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return fmt.Errorf("junit: %w", err)
	}
	enc := xml.NewEncoder(w)
	enc.Indent("", "  ")
	if err := enc.Encode(all); err != nil {
		return fmt.Errorf("junit: %w", err)
	}
	_, err := io.WriteString(w, "\n")
	return err
}

type junitSuites struct {
	XMLName xml.Name `xml:"testsuites"`
	Name    string   `xml:"name,attr"`
	junitCounts
	Suites []junitSuite `xml:"testsuite"`
}

type junitCounts struct {
	Tests    int `xml:"tests,attr"`
	Failures int `xml:"failures,attr"`
	Errors   int `xml:"errors,attr"`
	Skipped  int `xml:"skipped,attr"`
}

type junitSuite struct {
	Name string `xml:"name,attr"`
	junitCounts
	Properties []junitProperty `xml:"properties>property"`
	Cases      []junitCase     `xml:"testcase"`
	SystemOut  string          `xml:"system-out,omitempty"`
}

type junitProperty struct {
	Name  string `xml:"name,attr"`
	Value string `xml:"value,attr"`
}

type junitCase struct {
	Class     string      `xml:"classname,attr"`
	Name      string      `xml:"name,attr"`
	Failure   *junitCause `xml:"failure"`
	Error     *junitCause `xml:"error"`
	Skipped   *junitCause `xml:"skipped"`
	SystemOut string      `xml:"system-out,omitempty"`
}

type junitCause struct {
	Message string `xml:"message,attr"`
	Type    string `xml:"type,attr,omitempty"`
	Text    string `xml:",chardata"`
}

// count adds a case to the sums.
func (c *junitCounts) count(tc junitCase) {
	c.Tests++
	switch {
	case tc.Failure != nil:
		c.Failures++
	case tc.Error != nil:
		c.Errors++
	case tc.Skipped != nil:
		c.Skipped++
	}
}

func gateCases(results gate.Results) []junitCase {
	var cases []junitCase
	for _, r := range results {
		c := junitCase{Class: "probe.gates", Name: r.Name}
		cause := &junitCause{Message: r.Why, Type: string(r.Verdict), Text: r.Expr + "\n" + seenText(r)}
		switch {
		case r.Verdict == gate.Pass:
			c.SystemOut = cause.Text
		case r.Verdict == gate.Fail:
			c.Failure = cause
		case r.Allowed:
			cause.Message = "undecided, which is allowed: " + r.Why
			c.Skipped = cause
		default:
			c.Error = cause
		}
		cases = append(cases, c)
	}
	return cases
}

// runCases are what a run claims of itself.
func runCases(d *analysis.Document) []junitCase {
	complete := junitCase{Class: "probe.run", Name: "complete"}
	if !d.Complete {
		complete.Error = &junitCause{Message: endSentence(d), Type: string(d.StoppedBy)}
	}
	v := d.Verification
	cases := []junitCase{
		complete,
		checkCase("nothing is refused just below the request limit", v.Below, false),
		checkCase("something is refused just above the request limit", v.Above, true),
		checkCase("nothing is refused just below the token limit", v.TokensBelow, false),
		checkCase("something is refused just above the token limit", v.TokensAbove, true),
	}
	if v.OutputBelow != nil || v.OutputAbove != nil {
		cases = append(cases,
			checkCase("nothing is refused just below the output token limit", v.OutputBelow, false),
			checkCase("something is refused just above the output token limit", v.OutputAbove, true))
	}
	return cases
}

// checkCase is a closing check. One that was not made is skipped.
func checkCase(name string, check *analysis.Check, refusals bool) junitCase {
	c := junitCase{Class: "probe.verification", Name: name}
	switch {
	case check == nil:
		c.Skipped = &junitCause{Message: "not checked"}
		return c
	case (check.Rejected > 0) != refusals:
		c.Failure = &junitCause{Message: fmt.Sprintf("%s of %s were refused", count(check.Rejected), count(check.Sent)), Type: "verification"}
	}
	c.SystemOut = fmt.Sprintf("%s per minute for %s: %s sent, %s refused",
		number(check.Rate), seconds(check.Seconds), count(check.Sent), count(check.Rejected))
	return c
}

// junitProperties name what was probed.
func junitProperties(d *analysis.Document) []junitProperty {
	var all []junitProperty
	for _, p := range []junitProperty{
		{"target", d.Target.Name}, {"model", d.Target.Model}, {"provider", d.Target.Provider}, {"base_url", d.Target.BaseURL},
		{"stopped_by", string(d.StoppedBy)}, {"effective.rpm", optional(d.Effective.RPM.Value)}, {"effective.tpm", optional(d.Effective.TPM.Value)},
		{"cost.spent", amount(d.Cost.Spent)}, {"cost.currency", d.Cost.Currency},
	} {
		if p.Value != "" {
			all = append(all, p)
		}
	}
	return all
}

// prefixed puts a word in front of every line.
func prefixed(word string, lines []string) []string {
	out := make([]string, len(lines))
	for i, s := range lines {
		out[i] = word + flatten(s)
	}
	return out
}
