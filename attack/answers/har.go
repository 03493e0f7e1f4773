package answers

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"probe/analysis/classify"
)

// A harEntry is one exchange of a HAR file, as far as it is read: HTTP
// Archive 1.2, and Chrome's own _error. Request headers are left out, because
// that is where keys are.
type harEntry struct {
	Started string  `json:"startedDateTime"`
	Time    float64 `json:"time"` // milliseconds
	Request struct {
		PostData struct {
			Text string `json:"text"`
		} `json:"postData"`
	} `json:"request"`
	Response *struct {
		Status  int `json:"status"`
		Headers []struct {
			Name  string `json:"name"`
			Value string `json:"value"`
		} `json:"headers"`
		Content struct {
			Text     string `json:"text"`
			Encoding string `json:"encoding"`
			MimeType string `json:"mimeType"`
		} `json:"content"`
		Error string `json:"_error"`
	} `json:"response"`
}

// record turns an entry into a record.
func (e *harEntry) record() (Record, error) {
	if e.Response == nil {
		return Record{}, errors.New("no entry of a HAR file: it has no response")
	}
	resp := e.Response
	var rec Record
	if t, err := time.Parse(time.RFC3339Nano, e.Started); err == nil {
		rec.Time = t
	}
	if resp.Status < 0 || resp.Status > 999 {
		return Record{}, fmt.Errorf("response.status: want an HTTP status, got %d", resp.Status)
	}
	if ms := e.Time; ms > 0 && ms < float64(24*time.Hour/time.Millisecond) {
		rec.Latency = time.Duration(ms * float64(time.Millisecond))
	}
	a := classify.Answer{Status: resp.Status, Header: http.Header{}, Body: []byte(resp.Content.Text)}
	for _, h := range resp.Headers {
		a.Header.Add(h.Name, h.Value)
	}
	if a.Header.Get("Content-Type") == "" && resp.Content.MimeType != "" {
		a.Header.Set("Content-Type", resp.Content.MimeType)
	}
	if resp.Content.Encoding == "base64" {
		body, err := base64.StdEncoding.DecodeString(resp.Content.Text)
		if err != nil {
			return Record{}, fmt.Errorf("response.content: %w", err)
		}
		a.Body = body
	}
	if a.Status == 0 {
		a.Err = transportError(cmp.Or(resp.Error, "no answer"))
	}
	a.SSE = isStream(a.Header)
	rec.Answer, rec.Usage = a, bodyUsage(a)
	rec.readRequest(e.Request.PostData.Text)
	return rec, nil
}

// readHAR reads the entries of a HAR file one by one.
func readHAR(in *input) reading {
	return func(yield func(Record, error) bool) {
		s := newJSONScanner(in)
		err := s.enter("log")
		if err == nil {
			err = s.enter("entries")
		}
		if err == nil {
			err = s.each(yield, decodeEntry)
		}
		if err != nil {
			yield(Record{}, fmt.Errorf("%s: HAR file: %w", in.name, err))
		}
	}
}

func decodeEntry(raw json.RawMessage) (Record, error) {
	var e harEntry
	if err := json.Unmarshal(raw, &e); err != nil {
		return Record{}, fmt.Errorf("no entry of a HAR file: %w", err)
	}
	return e.record()
}

// readArray reads a JSON array of the objects that JSON lines hold.
func readArray(in *input) reading {
	return func(yield func(Record, error) bool) {
		s := newJSONScanner(in)
		err := s.each(yield, func(raw json.RawMessage) (Record, error) { return decodeObject(raw) })
		if err != nil {
			yield(Record{}, fmt.Errorf("%s: JSON array: %w", in.name, err))
		}
	}
}

// readValues reads such objects one after the other, each over several lines,
// as jq prints them.
func readValues(in *input) reading {
	return func(yield func(Record, error) bool) {
		s := newJSONScanner(in)
		err := s.elements(yield, func(raw json.RawMessage) (Record, error) { return decodeObject(raw) })
		if err == nil && !s.stopped {
			if _, err = s.dec.Token(); errors.Is(err, io.EOF) {
				return
			}
		}
		if err != nil {
			yield(Record{}, fmt.Errorf("%s: JSON: %w", in.name, err))
		}
	}
}
