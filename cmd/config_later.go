package cmd

import "reflect"

// later names the settings that are understood but not acted on yet. A server
// that ignored them would seem to protect what it does not.
func later() []string {
	return []string{
		"devices.concurrent_window",
		"geoip.city", "geoip.asn",
	}
}

// notYet returns a complaint for each such setting that differs from its
// default.
func (c Config) notYet() []string {
	s, err := compileSchema()
	if err != nil {
		return []string{err.Error()}
	}
	var found complaints
	standard := s.defaults()
	for _, key := range later() {
		want, _ := standard.get(key)
		got, _ := layer(c.effective).get(key)
		found.unless(reflect.DeepEqual(want, got),
			key+": not there yet in this version; remove it (or unset "+envName(key)+")")
	}
	return found
}
