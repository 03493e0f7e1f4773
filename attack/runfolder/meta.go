package runfolder

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Schema names the format of run folders that this program writes. It reads
// this one and every one before it.
const Schema = "probe.run/v1"

// Meta is run.json.
type Meta struct {
	Schema       string    `json:"schema"`
	Program      string    `json:"program"`       // version of probe that began the run
	Scenario     string    `json:"scenario"`      // its name
	ScenarioHash string    `json:"scenario_hash"` // sha256:… of scenario.yaml
	Target       string    `json:"target"`
	Method       string    `json:"method"`
	URL          string    `json:"url"`     // of the requests, without a query
	Started      time.Time `json:"started"` // by the wall's clock; endpoint time 0
	// Speed is how many times faster the endpoint's clock runs than the wall's.
	Speed float64 `json:"speed"`
	Seed  uint64  `json:"seed"` // of the prompts
	// Sessions are the processes that wrote to the folder, the first included.
	Sessions []Session `json:"sessions"`
}

// A Session is one process's part of a run.
type Session struct {
	Started  time.Time `json:"started"`   // by the wall's clock
	FirstSeq uint64    `json:"first_seq"` // number of its first attempt
}

// complete fills in what the caller need not know.
func (m Meta) complete(scenario []byte) Meta {
	sum := sha256.Sum256(scenario)
	m.Schema = Schema
	m.ScenarioHash = "sha256:" + hex.EncodeToString(sum[:])
	m.URL, _, _ = strings.Cut(m.URL, "?")
	if m.Speed == 0 {
		m.Speed = 1
	}
	if m.Started.IsZero() {
		m.Started = time.Now()
	}
	m.Started = m.Started.Round(0) // the monotonic part means nothing on disk
	m.Sessions = nil
	return m
}

// write replaces run.json.
func (m Meta) write(dir string) error { return writeJSON(filepath.Join(dir, runFile), m) }

// writeJSON replaces a file as a whole, so that it is never half written. It
// is on the disk before it takes the old one's place, or a machine that loses
// its power could leave an empty file under the name.
func writeJSON(path string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	next := path + ".new"
	if err := writeSynced(next, append(data, '\n')); err != nil {
		_ = os.Remove(next) // it may not have come to be
		return err
	}
	return os.Rename(next, path)
}

func writeSynced(path string, data []byte) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = file.Write(data)
	return errors.Join(err, syncFile(file), file.Close())
}

// readMeta reads run.json and checks that this program knows the format.
func readMeta(dir string) (Meta, error) {
	path := filepath.Join(dir, runFile)
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return Meta{}, fmt.Errorf("%s: is no run folder: it has no %s: %w", dir, runFile, err)
	} else if err != nil {
		return Meta{}, err
	}
	var m Meta
	if err := json.Unmarshal(data, &m); err != nil {
		return Meta{}, fmt.Errorf("%s: %w", path, err)
	}
	var version int
	if n, err := fmt.Sscanf(m.Schema, "probe.run/v%d", &version); n != 1 || err != nil || version < 1 {
		return Meta{}, fmt.Errorf("%s: schema %q: want %s or an earlier one", path, m.Schema, Schema)
	}
	if version > 1 {
		return Meta{}, fmt.Errorf("%s: schema %q is newer than this program, which reads up to %s: use the probe that wrote it, or a later one",
			path, m.Schema, Schema)
	}
	return m, nil
}
