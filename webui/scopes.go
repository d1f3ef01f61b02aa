package webui

// Scope returns what a client may do with a scope, in words. A scope that no
// page has words for is returned as it is.
func (l *Locale) Scope(name string) string {
	words := map[string]string{
		"openid":         "Know who you are",
		"profile":        "See your name and profile",
		"email":          "See your email address",
		"address":        "See your postal address",
		"phone":          "See your phone number",
		"offline_access": "Stay signed in on this device until you sign it out",
		"devices":        "See, rename and sign out your devices",
	}
	if text := words[name]; text != "" {
		return l.T(text)
	}
	return Cut(name, 80)
}
