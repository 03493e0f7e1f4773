package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"probe/scenarios"
	"probe/scenarios/pricefile"
)

// readPrices reads the price map that a scenario names, if it names one. The
// path is relative to the folder of the scenario file.
func readPrices(s *scenarios.Scenario, scenario string) error {
	if s.Prices == nil || s.Prices.File == "" || len(s.Prices.Tiers) > 0 {
		return nil // with both, Validate complains
	}
	path := s.Prices.File
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(scenario), path)
	}
	data, err := readPriceMap(path)
	if err != nil {
		return s.PriceFileError(err.Error())
	}
	q := pricefile.Query{Model: s.Prices.Model, Provider: s.Target.Provider, Service: s.Prices.Service}
	if q.Model == "" {
		q.Model = s.Target.Model
	}
	prices, warnings, err := pricefile.Read(data, q)
	if err != nil {
		return s.PriceFileError(err.Error())
	}
	for _, w := range warnings {
		prices.Source += "; " + w
	}
	s.SetPrices(prices)
	return nil
}

// readPriceMap reads a file of bounded size.
func readPriceMap(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("cannot be read: %w", err)
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, pricefile.MaxSize+1))
}
