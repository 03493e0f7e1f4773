package main

import (
	"fmt"
	"os"
	"path/filepath"
	"time"

	"probe/analysis/compare"
	"probe/attack/runfolder"
	"probe/attack/workload"
	"probe/reports"
	"probe/scenarios"
)

// quotaRequest writes a page to attach to a quota increase request. What the
// workload needs is worked out from the run's scenario, if it has one.
func quotaRequest(a app, dir string, r *recordedRun) error {
	s, err := scenarios.Load(filepath.Join(dir, "scenario.yaml"), []byte(r.scenario))
	if err != nil {
		return err
	}
	data := reports.QuotaRequestData{Plots: plotFiles(dir)}
	if folder, err := runfolder.Open(dir); err == nil { // an analysis.json alone has no date
		data.Measured = folder.Meta().Started
	}
	if w := s.Workload; w != nil {
		tasks, err := tasksOf(w, ".") // a trace is not part of the run's folder
		if err != nil {
			return fmt.Errorf("%w; the path of a trace is taken from the current folder", err)
		}
		need := compare.NeedOf(*w, demandsOf(tasks), compare.QuotaOf(r.document), answerTime(r))
		data.Need, data.Workload = &need, workloadText(*w, len(tasks))
	}
	return reports.QuotaRequest(a.stdout, r.document, data)
}

// demandsOf lists what tasks ask for.
func demandsOf(tasks []workload.Task) []compare.Demand {
	var ds []compare.Demand
	for _, t := range tasks {
		for _, q := range t.Requests {
			ds = append(ds, compare.Demand{Due: t.At, Tokens: float64(q.Prompt + q.MaxTokens)})
		}
	}
	return ds
}

// answerTime is how long an answer took at the median.
func answerTime(r *recordedRun) (d time.Duration) {
	if p := r.document.Latency.E2ES; p != nil {
		return secondsOf(p.P50)
	}
	return 0
}

func workloadText(w scenarios.Workload, tasks int) string {
	text := fmt.Sprintf("%s, %d tasks", w.Kind, tasks)
	if w.Rate > 0 {
		text += fmt.Sprintf(", %v a second on average", w.Rate)
	}
	if w.Tokens != nil {
		text += fmt.Sprintf(", sizes in tokens %v", w.Tokens)
	}
	if w.Deadline > 0 {
		text += fmt.Sprintf(", each to be answered within %v", w.Deadline.Std())
	}
	return text
}

// plotFiles lists the plots of a run folder, relative to it.
func plotFiles(dir string) []string {
	var files []string
	for _, name := range []string{"rate.svg", "map.svg", "fit-1.svg", "fit-2.svg", "fit-3.svg", "fit-4.svg"} {
		if _, err := os.Stat(filepath.Join(dir, "plots", name)); err == nil {
			files = append(files, "plots/"+name)
		}
	}
	return files
}
