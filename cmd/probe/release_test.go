package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func readRepo(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// Both ways of making a release build the same platforms from what is there.
func TestReleaseConfig(t *testing.T) {
	var config struct {
		Version int
		Builds  []struct {
			Main         string
			Env, Flags   []string
			Goos, Goarch []string
		}
		Archives []struct{ Files []string }
		Checksum struct {
			Algorithm string
			Name      string `yaml:"name_template"`
		}
		SBOMs   []struct{ Cmd string } `yaml:"sboms"`
		Dockers []struct{ Dockerfile string }
	}
	readYAML(t, "../../.goreleaser.yaml", &config)
	if config.Version != 2 || len(config.Builds) != 1 || len(config.SBOMs) != 1 || config.Checksum.Algorithm != "sha256" {
		t.Fatalf("read %+v", config)
	}
	build := config.Builds[0]
	if _, err := os.Stat(filepath.Join("../..", build.Main, "main.go")); err != nil || !slices.Contains(build.Env, "CGO_ENABLED=0") {
		t.Errorf("%v, or a build that needs C: %+v", err, build)
	}
	var platforms []string
	for _, system := range build.Goos {
		for _, arch := range build.Goarch {
			platforms = append(platforms, system+"/"+arch)
		}
	}
	if line := "PLATFORMS = " + strings.Join(platforms, " ") + "\n"; !strings.Contains(readRepo(t, "Makefile"), line) {
		t.Errorf("the Makefile has other platforms than %s", line)
	}
	for _, pattern := range config.Archives[0].Files {
		if strings.HasPrefix(pattern, "out/") {
			continue // made by the release's own hooks
		}
		if found, err := filepath.Glob(filepath.Join("../..", pattern)); err != nil || len(found) == 0 {
			t.Errorf("%s: %v, or nothing there", pattern, err)
		}
	}
}

// The images begin from nothing, hold one static program, and build with a
// compiler that the module accepts.
func TestDockerfiles(t *testing.T) {
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(readRepo(t, "go.mod"))[1]
	for _, name := range []string{"deploy/Dockerfile", "deploy/Dockerfile.release"} {
		text := readRepo(t, name)
		_, last, found := strings.Cut(text, "\nFROM scratch\n")
		if !found || strings.Contains(last, "\nFROM ") || strings.Contains(last, "\nRUN ") {
			t.Errorf("%s: the last stage is not from scratch", name)
		}
		for _, want := range []string{
			"FROM golang:" + version + " ", "/usr/bin/probe\n", `ENTRYPOINT ["/usr/bin/probe"]`, "ca-certificates.crt", "USER 65532:65532",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("%s has no %q", name, want)
			}
		}
	}
	if !strings.Contains(readRepo(t, "deploy/Dockerfile"), "CGO_ENABLED=0") {
		t.Error("the image's program needs C")
	}
	ignored := readRepo(t, ".dockerignore")
	for _, dir := range []string{"analysis", "attack", "cmd", "reports", "scenarios"} {
		if !strings.Contains(ignored, "\n!"+dir+"\n") {
			t.Errorf("the image is built without %s", dir)
		}
	}
}

// The formula calls verbs that there are.
func TestFormula(t *testing.T) {
	text := readRepo(t, "deploy/homebrew/probe.rb")
	root := newRoot(app{getenv: os.Getenv})
	root.InitDefaultCompletionCmd()
	for _, verb := range regexp.MustCompile(`bin/"probe", "(\w+)"`).FindAllStringSubmatch(text, -1) {
		c, _, err := root.Find(verb[1:])
		if err != nil || c.Name() != verb[1] {
			t.Errorf("probe %s: %v", verb[1], err)
		}
	}
	if !strings.Contains(text, "class Probe < Formula") || !strings.Contains(text, `license "MIT"`) {
		t.Error("the formula is not one of probe's")
	}
}
