package observe

import "strings"

// osFamily returns the house's name of an operating system as the definitions
// call it, or "" where the User-Agent does not tell.
func osFamily(family, text string) string {
	switch family {
	case "Mac OS X":
		if strings.HasPrefix(text, "Roku/") {
			return "Roku OS" // mistaken for a Mac by the definitions
		}
		return "macOS"
	case "iOS":
		// Darwin alone does not tell a Mac from a phone.
		if strings.Contains(text, "Darwin/") && !strings.Contains(text, "like Mac OS X") {
			return ""
		}
		return "iOS"
	case "ATV OS X", "tvOS":
		return "tvOS"
	case "Chrome OS":
		return "ChromeOS"
	case "Web0S", "WebOS", "webOS":
		return "webOS"
	case "Ubuntu", "Fedora", "Debian", "Red Hat", "SUSE", "Gentoo", "Arch Linux", "Mint",
		"Linux Mint", "CentOS", "Kubuntu", "Mandriva", "Slackware", "Puppy", "PCLinuxOS":
		return "Linux"
	case "Other", "":
		if strings.Contains(text, "OpenHarmony") {
			return "HarmonyOS"
		}
		return ""
	}
	if strings.HasPrefix(family, "Windows") && !strings.HasPrefix(family, "Windows Phone") &&
		!strings.HasPrefix(family, "Windows Mobile") && !strings.HasPrefix(family, "Windows CE") {
		return "Windows"
	}
	return clean(family, maxValue)
}

// browserFamily returns the product behind the many names of its variants, or
// "" where the User-Agent does not tell.
func browserFamily(family, text string) string {
	if strings.Contains(text, " OPT/") || strings.Contains(text, " OPX/") {
		return "Opera" // on iOS, mistaken for Safari by the definitions
	}
	switch family {
	case "Other", "":
		return ""
	case "Mobile Safari":
		return "Safari"
	case "Mobile Safari UI/WKWebView", "Chrome Mobile WebView", "Android WebView", "Edge WebView2",
		"Apple Mail": // any view of WebKit on a Mac, says the definitions' guess
		return "WebView"
	case "Chrome Mobile", "Chrome Mobile iOS":
		return "Chrome"
	case "Edge Mobile", "Edge iOS":
		return "Edge"
	case "Firefox Mobile", "Firefox iOS":
		return "Firefox"
	case "Opera Mobile", "Opera Touch", "Opera GX", "Opera iOS":
		return "Opera"
	case "DuckDuckGo Mobile":
		return "DuckDuckGo"
	case "IE Mobile":
		return "IE"
	}
	family = strings.TrimSuffix(strings.TrimSuffix(family, " iOS"), " Mobile")
	return clean(family, maxValue)
}

// nativeProduct returns the first product token of a program that is no
// browser, such as "okhttp" and "4.12.0", and reports whether it is one:
// browsers have been calling themselves Mozilla since 1994.
func nativeProduct(text string) (name, number string, native bool) {
	if at := strings.Index(text, "PowerShell/"); at >= 0 {
		return "PowerShell", digits(text[at+len("PowerShell/"):]), true
	}
	if strings.HasPrefix(text, "Mozilla/") || strings.HasPrefix(text, "Opera/") {
		return "", "", false
	}
	token, rest, _ := strings.Cut(text, " ")
	name, number, slashed := strings.Cut(token, "/")
	if !slashed {
		number = strings.TrimPrefix(rest, "v") // "Faraday v2.9.0"
	}
	if name == "Go-http-client" {
		return name, "", true // what follows is the version of HTTP
	}
	return name, digits(number), true
}

// version joins the parts that are numbers.
func version(parts ...string) string {
	for i, part := range parts {
		if part == "" || digits(part) != part {
			parts = parts[:i]
			break
		}
	}
	return trimZeros(strings.Join(parts, "."))
}

// digits returns the dotted number at the start of text, such as "4.12.0",
// without trailing zeros, or "".
func digits(text string) string {
	end := strings.IndexFunc(text, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
	if end >= 0 {
		text = text[:end]
	}
	if len(text) > maxValue {
		return ""
	}
	text = strings.Trim(text, ".")
	if strings.Contains(text, "..") {
		return ""
	}
	return text
}

// trimZeros drops what reduced User-Agents say in place of minor versions:
// "126.0.0.0" is "126".
func trimZeros(version string) string {
	for strings.HasSuffix(version, ".0") {
		version = strings.TrimSuffix(version, ".0")
	}
	return version
}
