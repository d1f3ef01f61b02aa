package devices

// looks compares the sighting with what it must resemble: a refresh with the
// grant's first token call, a sign-in with the device.
func (p Policy) looks(c Case) []Evidence {
	known := c.resembles()
	if known == nil {
		return nil
	}
	found := p.compare(known.Fingerprint, c.Sighting.Fingerprint)
	// A withheld cookie says nothing (a native client has none); one that
	// holds other devices only says that this is another browser.
	if known.Cookie && c.Device != nil && len(c.Sighting.Proof.CookieHashes) > 0 &&
		!c.Sighting.Proof.HasCookie(c.Device.CookieHash) {
		found = append(found, Evidence{Reason: ReasonCookieMismatch, Weight: p.Weights.CookieMismatch})
	}
	return found
}

func (c Case) resembles() *Baseline {
	switch {
	case c.Grant == nil && c.Device != nil:
		return &Baseline{Fingerprint: c.Device.Fingerprint, Cookie: len(c.Device.CookieHash) > 0}
	case c.Grant == nil, c.Grant.Baseline == nil, c.Binding == BindingDeviceStatus, c.Binding == BindingDPoP:
		return nil
	case c.Grant.Baseline.KeyThumbprint != "":
		return nil // the key was shown: how it looks makes no difference
	default:
		return c.Grant.Baseline
	}
}

// compare returns what changed against the known looks, signal by signal.
// Versions may rise; a fall is suspicious.
func (p Policy) compare(known, seen Fingerprint) []Evidence {
	var found []Evidence
	for _, rule := range p.rules() {
		before, lookedBefore := known.Get(rule.signal)
		after, lookedAfter := seen.Get(rule.signal)
		if !lookedBefore || !lookedAfter || !rule.differs(before, after) {
			continue
		}
		if rule.only != "" && known[rule.only] != seen[rule.only] {
			continue // versions of different families cannot be compared
		}
		weight := rule.weight
		if desktopPages(known, seen) {
			switch rule.signal {
			case SignalOS:
				weight = p.Weights.DesktopPages
			case SignalClass:
				continue // the system that it claims to have become tells as much
			default:
			}
		}
		found = append(found, Evidence{
			Reason: rule.reason, Before: before, After: after, Weight: weight,
		})
	}
	return found
}

type rule struct {
	signal  Signal
	only    Signal // compare only where this one is equal
	differs func(before, after string) bool
	reason  Reason
	weight  int
}

func (p Policy) rules() []rule {
	w := p.Weights
	return []rule{
		{SignalOS, "", changed, ReasonOSChanged, w.OSChanged},
		{SignalBrowser, "", replaced, ReasonBrowserChanged, w.BrowserChanged},
		{SignalModel, "", changed, ReasonModelChanged, w.ModelChanged},
		{SignalClass, "", changed, ReasonClassChanged, w.ClassChanged},
		{SignalBrowserVersion, SignalBrowser, fell, ReasonDowngrade, w.BrowserDowngrade},
		{SignalOSVersion, SignalOS, fell, ReasonDowngrade, w.OSDowngrade},
		{SignalContradiction, "", appeared, ReasonContradiction, w.Contradiction},
		{SignalLanguage, "", changed, ReasonEvidenceMismatch, w.LanguageChanged},
	}
}

// desktopPages reports that a phone or tablet has begun, or ceased, to ask for
// desktop pages: the same browser then claims the desktop system next of kin.
// People do that every day, so it weighs little.
func desktopPages(known, seen Fingerprint) bool {
	claims := func(mobile, desktop Fingerprint) bool {
		switch mobile[SignalOS] {
		case "iOS":
			return desktop[SignalOS] == "macOS" && desktop[SignalClass] == string(ClassDesktop)
		case "Android":
			return desktop[SignalOS] == "Linux" && desktop[SignalClass] == string(ClassDesktop)
		default:
			return false
		}
	}
	return known[SignalBrowser] == seen[SignalBrowser] && (claims(known, seen) || claims(seen, known))
}

// changed reports that a told value became another told value.
func changed(before, after string) bool { return before != "" && after != "" && before != after }

// replaced reports that a told value became another or is now withheld: a
// client that named itself once does not stop.
func replaced(before, after string) bool { return before != "" && before != after }

// appeared reports a value that was not there before.
func appeared(before, after string) bool { return after != "" && before != after }

// fell reports that the major version went down: patch levels are rolled back
// by vendors, major versions hardly ever.
func fell(before, after string) bool {
	return changed(before, after) && CompareVersions(major(after), major(before)) < 0
}

// elsewhere compares where a retry comes from with where the device was last
// seen. A thief who repeats each refresh of the owner within the grace is
// answered like the owner and shows in no lineage; that they sit elsewhere is
// all there is to see. Lines move, and so do people between Wi-Fi and the
// mobile network, so that this never refuses: with looks that weigh so much
// already it weighs no more than what keeps the sum a flag.
func (p Policy) elsewhere(c Case, looks int) []Evidence {
	if c.Device == nil || c.resembles() == nil {
		return nil // a backend's address is not the device's, and a key says enough
	}
	before, after := c.Device.Last.Prefix(), c.Sighting.Network.Prefix()
	if !before.IsValid() || !after.IsValid() || before == after {
		return nil
	}
	weight := p.Weights.NewNetwork
	if before.Addr().Is4() != after.Addr().Is4() {
		weight = p.Weights.OtherFamily
	}
	if weight = min(weight, p.StepUpAt-1-looks); weight <= 0 {
		return nil // nor may it be the second piece of evidence
	}
	return []Evidence{{Reason: ReasonNewNetwork, Weight: weight}}
}
