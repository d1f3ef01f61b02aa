package webui

import "net/url"

// link returns the address of a page with query parameters: names and values in
// turn. Templates print it as a whole. A template that puts an encoded query
// behind a question mark has it encoded a second time, as one value.
func link(path string, pairs ...string) *url.URL {
	query := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			query.Set(pairs[i], pairs[i+1])
		}
	}
	return &url.URL{Path: path, RawQuery: query.Encode()}
}
