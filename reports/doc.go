// Package reports shows what a run found: tables for a terminal, a Markdown
// page, an HTML page, JSON, CSV, and plots. Its input is an [analysis.Document], the content
// of analysis.json, and for the plots the prepared [analysis.Series] and
// [analysis.FitTrace]. Everything is rendering: no number appears that
// analysis did not put there, and equal input gives equal bytes.
//
// # One table, many formats
//
// A table is built once, as rows of text, and laid out for a terminal and for
// Markdown from the same rows; CSV files hold the same figures unformatted,
// because they are read by programs. In text, a quantity that was looked for
// and not found reads "not found", one that does not apply reads "–", and
// neither ever reads 0.
//
// # Formats
//
// A [Format] writes a document to a stream. [Formats] lists their names for
// `probe report --format`, [Lookup] finds one. A new format is a file with one
// function and one line in the registry. [Folder] writes everything a run
// folder gets, each file at once or not at all.
//
// # Plots
//
// [Plots] draws four kinds of figure, each as SVG and PNG: the rate over time,
// the limit map, the cost by stage, and the fit of each limit. Their look is
// in package reports/chart; what they say is here, one file a figure.
//
// # The page
//
// [HTMLPage] writes one HTML file with everything in it; [HTML] does so from
// the document alone. How a page looks is in package reports/page, what it
// says is in html*.go. Its charts are made from the views of the plots.
package reports
