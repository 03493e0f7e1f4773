package gate

import (
	"fmt"
	"strings"

	"probe/analysis"
)

// doubts lists why the run, or the baseline where it is read, cannot answer.
func (e *evaluator) doubts(readsBaseline bool) []string {
	all := doubtsOf("the run", e.run)
	switch {
	case !readsBaseline:
	case e.baseline == nil:
		all = append(all, "no baseline run was given")
	default:
		all = append(all, doubtsOf("the baseline run", e.baseline)...)
	}
	return all
}

func doubtsOf(which string, d *analysis.Document) []string {
	var all []string
	if !d.Complete {
		all = append(all, fmt.Sprintf("%s was cut short (stopped by %s)", which, d.StoppedBy))
	}
	if why := bottleneck(d.Stages); why != "" {
		all = append(all, fmt.Sprintf("the load generator was the bottleneck of %s: %s", which, why))
	}
	return all
}

// bottleneck says why the load generator and not the endpoint decided the run:
// a closing check that is no evidence and was not sent again with success, or
// more than half of the stages. Single void stages do not count: the search
// sends them again.
func bottleneck(stages []analysis.StageRow) string {
	void := 0
	for i, s := range stages {
		if s.Void == "" {
			continue
		}
		void++
		repeated := i+1 < len(stages) && stages[i+1].Question == s.Question
		if strings.HasPrefix(s.Question, "verify") && !repeated {
			return fmt.Sprintf("stage %d (%s) is no evidence: %s", s.Number, s.Question, s.Void)
		}
	}
	if 2*void > len(stages) {
		return fmt.Sprintf("%d of %d stages are no evidence", void, len(stages))
	}
	return ""
}
