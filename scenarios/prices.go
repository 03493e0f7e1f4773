package scenarios

// PriceFileError returns an error about the price map that prices.file names,
// at its place in the scenario.
func (s *Scenario) PriceFileError(message string) Error {
	return s.doc.Errorf("prices.file", "file: %s: %s", s.Prices.File, message)
}

// SetPrices puts what a price map says in the place of the reference to it. A
// currency that the scenario states itself overrules the map's, which is USD
// for lack of a field. Call it after the last [Scenario.Set], which reads the
// scenario anew.
func (s *Scenario) SetPrices(read *Prices) {
	p := *read
	if s.Prices != nil && s.Prices.Currency != "" {
		p.Currency = s.Prices.Currency
	}
	if s.Prices != nil && s.Prices.Source != "" {
		p.Source = s.Prices.Source + "; " + p.Source
	}
	s.Prices = &p
}
