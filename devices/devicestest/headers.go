package devicestest

import (
	"net/http"
	"strings"
)

// LaptopHeaders returns what Chrome on Ada's Windows laptop sends to a page
// that asked for hints.
func LaptopHeaders() http.Header {
	return Headers(
		"User-Agent: Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 "+
			"(KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
		"Accept-Language: en-GB,en-US;q=0.9,en;q=0.8",
		`Sec-CH-UA: "Chromium";v="142", "Google Chrome";v="142", "Not_A Brand";v="99"`,
		"Sec-CH-UA-Mobile: ?0",
		`Sec-CH-UA-Platform: "Windows"`,
		`Sec-CH-UA-Full-Version-List: "Chromium";v="142.0.7444.60", `+
			`"Google Chrome";v="142.0.7444.60", "Not_A Brand";v="99.0.0.0"`,
		`Sec-CH-UA-Platform-Version: "19.0.0"`,
		`Sec-CH-UA-Model: ""`,
		`Sec-CH-UA-Form-Factors: "Desktop"`,
	)
}

// PhoneHeaders returns what Safari on Ada's iPhone sends.
func PhoneHeaders() http.Header {
	return Headers(
		"User-Agent: Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 "+
			"(KHTML, like Gecko) Version/26.1 Mobile/15E148 Safari/604.1",
		"Accept-Language: en-GB,en;q=0.9",
	)
}

// TabletHeaders returns what Chrome on Ada's Android tablet sends to a page
// that asked for hints.
func TabletHeaders() http.Header {
	return Headers(
		"User-Agent: Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 "+
			"(KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
		"Accept-Language: en-GB,en-US;q=0.9,en;q=0.8",
		`Sec-CH-UA: "Chromium";v="142", "Google Chrome";v="142", "Not_A Brand";v="99"`,
		"Sec-CH-UA-Mobile: ?0",
		`Sec-CH-UA-Platform: "Android"`,
		`Sec-CH-UA-Platform-Version: "16.0.0"`,
		`Sec-CH-UA-Model: "SM-X910"`,
		`Sec-CH-UA-Form-Factors: "Tablet"`,
	)
}

// AppHeaders returns what an Android app sends through okhttp.
func AppHeaders() http.Header { return Headers("User-Agent: okhttp/4.12.0") }

// ThiefHeaders returns what Firefox on the thief's Linux machine sends.
func ThiefHeaders() http.Header {
	return Headers(
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0",
		"Accept-Language: en-US,en;q=0.5",
	)
}

// Headers returns headers from lines as they stand on the wire.
func Headers(lines ...string) http.Header {
	h := http.Header{}
	for _, line := range lines {
		name, value, _ := strings.Cut(line, ":")
		h.Add(name, strings.TrimSpace(value))
	}
	return h
}
