package reports

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"

	"probe/analysis"
)

// A csvTable is one CSV file. Its numbers are plain: no commas, no units,
// nothing rounded; what was not found is empty. Units stand in the names.
type csvTable struct {
	name   string // of the file, without .csv
	header []string
	rows   [][]string
}

// csvTables lists the CSV files of a run.
func csvTables(d *analysis.Document) []csvTable {
	tables := []csvTable{limitsCSV(d), outcomesCSV(d), stagesCSV(d), costCSV(d), hintsCSV(d)}
	if len(d.Keys) > 0 {
		tables = append(tables, keysCSV(d))
	}
	if d.Burst != nil {
		tables = append(tables, burstCSV(d.Burst))
	}
	return tables
}

// write writes t as RFC 4180 asks, with a header line.
func (t csvTable) write(w io.Writer) error {
	out := csv.NewWriter(w)
	if err := out.Write(t.header); err != nil {
		return fmt.Errorf("%s.csv: %w", t.name, err)
	}
	if err := out.WriteAll(t.rows); err != nil { // flushes
		return fmt.Errorf("%s.csv: %w", t.name, err)
	}
	return nil
}

// CSV writes all tables as one stream in long form: a line for every value,
// with the table, the number of its row from 1 on, the field and the value.
// [Folder] writes the same tables as one file each.
func CSV(w io.Writer, d *analysis.Document) error {
	long := csvTable{name: "report", header: []string{"table", "row", "field", "value"}}
	for _, t := range csvTables(d) {
		for i, row := range t.rows {
			for k, value := range row {
				long.rows = append(long.rows, []string{t.name, strconv.Itoa(i + 1), t.header[k], value})
			}
		}
	}
	return long.write(w)
}

func limitsCSV(d *analysis.Document) csvTable {
	t := csvTable{name: "limits", header: []string{
		"dimension", "amount", "window_s", "low", "high", "window_low_s", "window_high_s",
		"algorithm", "burst_capacity", "rivals", "declared", "advertised",
		"admitted", "rejected", "contradicted", "binds", "refusals", "key", "charges",
	}}
	for _, l := range d.Limits {
		t.rows = append(t.rows, []string{
			l.Dimension, optional(l.Amount), optional(l.WindowS), optional(l.Low), optional(l.High),
			optional(l.WindowLowS), optional(l.WindowHighS),
			string(l.Algorithm), optional(l.BurstCapacity), strings.Join(l.Rivals, " "),
			optional(l.Declared), optional(l.Advertised),
			integer(l.Evidence.Admitted), integer(l.Evidence.Rejected), integer(l.Evidence.Contradicted),
			strconv.FormatBool(l.Binds), l.Refusals, l.Key, l.Charges,
		})
	}
	return t
}

func outcomesCSV(d *analysis.Document) csvTable {
	t := csvTable{name: "outcomes", header: []string{"outcome", "requests"}}
	for _, o := range shownOutcomes(d) {
		t.rows = append(t.rows, []string{string(o), integer(d.Requests[string(o)])})
	}
	t.rows = append(t.rows, []string{"attempts", integer(d.Requests["attempts"])})
	return t
}

func keysCSV(d *analysis.Document) csvTable {
	t := csvTable{name: "keys", header: []string{"name", "first", "dimension", "shared_quota", "admitted", "rejected"}}
	for _, k := range d.Keys {
		shared := ""
		if k.SharedQuota != nil {
			shared = strconv.FormatBool(*k.SharedQuota)
		}
		t.rows = append(t.rows, []string{k.Name, k.First, k.Dimension, shared, integer(k.Admitted), integer(k.Rejected)})
	}
	return t
}

func stagesCSV(d *analysis.Document) csvTable {
	t := csvTable{name: "stages", header: []string{
		"number", "question", "key", "start_s", "seconds", "scheduled", "sent",
		"scheduled_rpm", "offered_rpm", "accepted_rpm", "accepted_tpm",
		"tokens_per_request", "schedule_delay_p99_s",
		"success", "request_rate", "token_rate", "burst", "free_quota", "other",
		"cost_per_million_successful_tokens", "void",
	}}
	for _, s := range d.Stages {
		row := []string{
			strconv.Itoa(s.Number), s.Question, s.Key, plain(s.StartS), plain(s.Seconds),
			integer(s.Scheduled), integer(s.Sent),
			plain(s.ScheduledRPM), plain(s.OfferedRPM), plain(s.AcceptedRPM), plain(s.AcceptedTPM),
			plain(s.TokensPerRequest), plain(s.ScheduleDelayP99S),
			integer(s.Outcomes["success"]),
		}
		for _, o := range limitTypes {
			row = append(row, integer(s.Outcomes[o]))
		}
		t.rows = append(t.rows, append(row, integer(otherFailures(s)), amount(s.CostPerMillionTokens), s.Void))
	}
	return t
}

func costCSV(d *analysis.Document) csvTable {
	c := d.Cost
	return csvTable{
		name: "cost",
		header: []string{
			"currency", "spent", "per_successful_request", "per_million_successful_tokens",
			"successful_tokens", "input_tokens", "output_tokens",
		},
		rows: [][]string{{
			c.Currency, amount(c.Spent), amount(c.PerSuccessfulRequest), amount(c.PerMillionSuccessfulTokens),
			integer(c.SuccessfulTokens), integer(c.InputTokens), integer(c.OutputTokens),
		}},
	}
}

func hintsCSV(d *analysis.Document) csvTable {
	t := csvTable{name: "hints", header: []string{
		"source", "refusals", "verdict", "promised_s", "seen_s", "told", "kept", "too_short", "too_long",
	}}
	for _, h := range d.Hints {
		t.rows = append(t.rows, []string{
			h.Source, h.Refusals, h.Verdict, optional(h.PromisedS), optional(h.SeenS),
			integer(h.Told), integer(h.Kept), integer(h.TooShort), integer(h.TooLong),
		})
	}
	return t
}

func burstCSV(b *analysis.Burst) csvTable {
	return csvTable{
		name: "burst",
		header: []string{
			"step_rps", "step_refused_rps", "slope_rps_per_s", "slope_refused_rps_per_s", "hot_rps", "hot_is_all",
			"warm_up_s", "idle_s", "idle_low_s", "lasts_s", "lasts_low_s",
		},
		rows: [][]string{{
			optional(b.StepRPS), optional(b.StepRefusedRPS), optional(b.SlopeRPSPerS), optional(b.SlopeRefusedRPSPerS),
			optional(b.HotRPS), strconv.FormatBool(b.HotIsAll),
			optional(b.WarmUpS), optional(b.IdleS), optional(b.IdleLowS), optional(b.LastsS), optional(b.LastsLowS),
		}},
	}
}

// plain writes x exactly: the fewest digits that read back as x.
func plain(x float64) string { return strconv.FormatFloat(x, 'f', -1, 64) }

func integer(n int64) string { return strconv.FormatInt(n, 10) }

// optional is [plain], or nothing for what was not found.
func optional(x *float64) string {
	if x == nil {
		return ""
	}
	return plain(*x)
}

// amount is an exact decimal as it stands, or nothing.
func amount(n *json.Number) string {
	if n == nil {
		return ""
	}
	return n.String()
}
