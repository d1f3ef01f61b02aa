package house

import "net/http"

// Laptop returns the headers of Chrome on Windows.
func Laptop() http.Header {
	return http.Header{
		"User-Agent":         {"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"},
		"Sec-Ch-Ua":          {`"Chromium";v="142", "Google Chrome";v="142", "Not_A Brand";v="99"`},
		"Sec-Ch-Ua-Mobile":   {"?0"},
		"Sec-Ch-Ua-Platform": {`"Windows"`},
		"Accept-Language":    {"en-GB,en;q=0.9"},
	}
}

// Phone returns the headers of Safari on an iPhone.
func Phone() http.Header {
	return http.Header{
		"User-Agent":      {"Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1"},
		"Accept-Language": {"en-GB,en;q=0.9"},
	}
}

// Tablet returns the headers of Chrome on an Android tablet.
func Tablet() http.Header {
	return http.Header{
		"User-Agent":         {"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"},
		"Sec-Ch-Ua":          {`"Chromium";v="142", "Google Chrome";v="142", "Not_A Brand";v="99"`},
		"Sec-Ch-Ua-Mobile":   {"?0"},
		"Sec-Ch-Ua-Platform": {`"Android"`},
		"Accept-Language":    {"en-GB,en;q=0.9"},
	}
}

// Thief returns the headers of Firefox on Linux.
func Thief() http.Header {
	return http.Header{
		"User-Agent":      {"Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0"},
		"Accept-Language": {"en-US,en;q=0.5"},
	}
}
