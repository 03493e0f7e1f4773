package reports

import "testing"

// What a run's report costs: most of it is pixels.
func BenchmarkFolder(b *testing.B) {
	r := replay(qwenStages)
	dir := b.TempDir()
	for b.Loop() {
		if err := Folder(dir, r.doc, PageData{Series: r.series, Traces: r.traces}); err != nil {
			b.Fatal(err)
		}
	}
}
