package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"
	"text/template"
	"unicode"

	"github.com/spf13/cobra"

	"probe/scenarios"
	"probe/scenarios/providers"
)

const initLong = `Init writes a scenario with comments, ready to run. On a terminal it asks for
what the flags leave open; elsewhere, and with --yes, it takes the defaults. A
file that is there already is not overwritten without --force.`

// Purposes of a scenario.
const (
	forCapacity = "capacity" // what does the endpoint sustain?
	forCompare  = "compare"  // which strategy copes best with it?
	forGate     = "gate"     // is it enough for a release?
)

var purposes = []string{forCapacity, forCompare, forGate}

// initOptions are what a scenario is made of.
type initOptions struct {
	provider, region, baseURL, model, purpose, out string

	yes, force bool
}

func newInit(a app) *cobra.Command {
	var o initOptions
	c := &cobra.Command{
		Use: "init", Short: "write a commented scenario", Long: initLong,
		Example: "  probe init\n" +
			"  probe init --provider alibaba --model qwen3-max --out qwen.yaml\n" +
			"  probe init --provider vllm --base-url http://localhost:8000/v1 --model my-model --purpose gate --yes",
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return o.run(a) },
	}
	f := c.Flags()
	f.StringVar(&o.provider, "provider", "", "provider profile: "+strings.Join(providers.Names(), ", ")+" (default generic)")
	f.StringVar(&o.region, "region", "", "region of the provider's endpoint (default: the profile's first)")
	f.StringVar(&o.baseURL, "base-url", "", "endpoint, up to and including /v1 (default: the profile's)")
	f.StringVar(&o.model, "model", "", "model to ask for")
	f.StringVar(&o.purpose, "purpose", "", "capacity, compare or gate (default capacity)")
	f.StringVar(&o.out, "out", "", "file to write, - for standard output (default: PROVIDER-MODEL.yaml)")
	f.BoolVar(&o.yes, "yes", false, "ask nothing, take the defaults")
	f.BoolVar(&o.force, "force", false, "overwrite a file that is there")
	return c
}

func (o *initOptions) run(a app) error {
	ask := silent
	if !o.yes && isTerminal(a.stdin) {
		ask = prompter(a.stdin, a.stderr)
	}
	f, err := o.form(ask)
	if err != nil {
		return err
	}
	text, err := f.render()
	if err != nil {
		return err
	}
	if o.out == "-" {
		_, err := a.stdout.Write(text)
		return err
	}
	if err := o.write(text); err != nil {
		return err
	}
	fmt.Fprintf(a.stderr, "wrote %s\nnext: probe plan %s\n", o.out, o.out)
	for _, missing := range f.missing() {
		fmt.Fprintln(a.stderr, "before it runs: "+missing)
	}
	return nil
}

// write writes the file, and never over another one unless that is forced.
func (o *initOptions) write(text []byte) error {
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if o.force {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	file, err := os.OpenFile(o.out, flags, 0o644)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already; --force overwrites it, --out names another file", o.out)
	} else if err != nil {
		return err
	}
	_, err = file.Write(text)
	return errors.Join(err, file.Close())
}

// A form is what the template is filled in with.
type form struct {
	Name, Title, Description, Command string
	File, Purpose, Provider           string

	BaseURL, Pattern string   // Pattern: where BaseURL is not known
	Regions          []string // the provider's other endpoints
	Model            string
	ModelUnknown     bool
	Key, KeyVariable string // Key is empty where none is needed
	MadeUp           bool   // an embedded endpoint takes any key

	Tiers            []providers.PriceTier
	Currency, Source string
	Money            string
}

// form asks for what the flags leave open.
func (o *initOptions) form(ask asker) (*form, error) {
	var err error
	if o.provider, err = ask("provider", o.provider, providers.Generic, providers.Names()); err != nil {
		return nil, err
	}
	p, _, err := openProfile(o.provider, ".")
	if err != nil {
		return nil, err
	}
	f := &form{Provider: p.Name, KeyVariable: p.KeyVariable()}
	if err := o.endpoint(f, p, ask); err != nil {
		return nil, err
	}
	known := ""
	if i := slices.IndexFunc(p.Prices, func(price providers.Price) bool { return price.Region == "" || price.Region == o.region }); i >= 0 {
		known = p.Prices[i].Model
	}
	if o.model, err = ask("model", o.model, known, nil); err != nil {
		return nil, err
	}
	if f.Model = o.model; f.Model == "" {
		f.Model, f.ModelUnknown = "my-model", true
	}
	if o.purpose, err = ask("purpose", o.purpose, forCapacity, purposes); err != nil {
		return nil, err
	}
	if strings.ContainsFunc(o.model+f.BaseURL, unicode.IsControl) {
		return nil, errors.New("a model or URL has no control characters")
	}
	if !slices.Contains(purposes, o.purpose) {
		return nil, fmt.Errorf("--purpose %q: allowed are %s", o.purpose, strings.Join(purposes, ", "))
	}
	f.Purpose, f.Name = o.purpose, nameOf(p.Name, f.Model)
	if o.out, err = ask("file", o.out, f.Name+".yaml", nil); err != nil {
		return nil, err
	}
	f.describe(p, o.out)
	f.price(p, o.region)
	return f, nil
}

// describe fills in what follows from the rest.
func (f *form) describe(p *providers.Profile, out string) {
	if f.File = out; out == "-" {
		f.File = f.Name + ".yaml"
	}
	f.Title = fmt.Sprintf("%s at %s", f.Model, p.Title)
	f.Command = "probe run " + f.File
	switch f.Purpose {
	case forGate:
		f.Command += " --gate"
		f.Description = "Whether " + f.Title + " sustains what a release needs."
	case forCompare:
		f.Command = "probe compare " + f.File
		f.Description = "Which strategy copes best with the limits of " + f.Title + "."
	default:
		f.Description = "The request and token limits of " + f.Title + "."
	}
	local := scenarios.Target{BaseURL: f.BaseURL}.Loopback()
	switch {
	case local && p.Kind == providers.KindProvider:
		f.MadeUp = true // probe serve in the provider's words
	case !local || p.Kind == providers.KindGateway:
		f.Key = f.KeyVariable
	}
}

// endpoint chooses the URL: that of the region, or one that was given.
func (o *initOptions) endpoint(f *form, p *providers.Profile, ask asker) error {
	var regions []string
	for _, b := range p.BaseURLs {
		if b.API == "" {
			regions = append(regions, b.Region)
		}
	}
	if o.baseURL == "" && len(regions) > 0 {
		var err error
		if o.region, err = ask("region", o.region, regions[0], regions); err != nil {
			return err
		}
	}
	pattern, ok := p.BaseURL(o.region)
	switch {
	case !ok && o.region != "":
		return fmt.Errorf("--region %q: %s has %s", o.region, p.Name, strings.Join(regions, ", "))
	case !ok:
		pattern = "http://localhost:8000/v1"
	}
	f.Pattern = strings.ReplaceAll(pattern, "{host}", "localhost")
	usual := f.Pattern
	if strings.Contains(usual, "{") {
		usual = ""
	}
	var err error
	if f.BaseURL, err = ask("base URL", o.baseURL, usual, nil); err != nil {
		return err
	}
	for _, b := range p.BaseURLs {
		if b.API == "" && b.URL != pattern {
			f.Regions = append(f.Regions, b.Region+": "+b.URL)
		}
	}
	return nil
}

// price takes over the profile's price for the model; where the region is not
// known, the first one.
func (f *form) price(p *providers.Profile, region string) {
	for _, price := range p.Prices {
		if price.Model == f.Model && (region == "" || price.Region == "" || price.Region == region) {
			f.Tiers, f.Currency, f.Money = price.Tiers, price.Currency, "2 "+price.Currency
			f.Source = price.Source + ", " + price.Date
			return
		}
	}
}

// missing says what the file still needs to run.
func (f *form) missing() []string {
	var list []string
	if f.BaseURL == "" {
		list = append(list, "fill in base_url ("+f.Pattern+"), or give --base-url")
	}
	if f.ModelUnknown {
		list = append(list, "put your model's name in the place of "+f.Model+", or give --model")
	}
	if f.Key != "" {
		list = append(list, "put the key in the environment, as "+f.Key)
	}
	return list
}

var unfit = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// nameOf makes a scenario's name of a provider and a model.
func nameOf(provider, model string) string {
	const longest = 64
	name := strings.Trim(unfit.ReplaceAllString(provider+"-"+model, "-"), "-._")
	return strings.TrimRight(name[:min(len(name), longest)], "-._")
}

//go:embed init.yaml.tmpl
var initTemplate string

var plainRE = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._/-]*$`)

// quoteYAML writes a string as YAML: plain where that cannot be misread.
func quoteYAML(s string) (string, error) {
	switch strings.ToLower(s) {
	case "true", "false", "null", "yes", "no", "on", "off", "y", "n":
	default:
		if plainRE.MatchString(s) {
			return s, nil
		}
	}
	text, err := json.Marshal(s) // YAML's double quotes take all that JSON's do
	return string(text), err
}

// render fills in the template. What it returns loads as a scenario.
func (f *form) render() ([]byte, error) {
	t, err := template.New("init").Funcs(template.FuncMap{"quote": quoteYAML}).Parse(initTemplate)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, f); err != nil {
		return nil, err
	}
	if _, err := scenarios.Load(f.File, b.Bytes()); err != nil {
		return nil, fmt.Errorf("this would be no scenario: %w", err)
	}
	return b.Bytes(), nil
}
