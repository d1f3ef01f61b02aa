package observe_test

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/lanyard-id/lanyard/devices"
	"github.com/lanyard-id/lanyard/devices/devicestest"
)

func BenchmarkObserve(b *testing.B) {
	o := newObserver()
	b.Run("repeated", func(b *testing.B) {
		h := devicestest.LaptopHeaders()
		for b.Loop() {
			o.ObserveHeaders(h, netip.Addr{}, devices.EntranceProvider)
		}
	})
	n := 0
	for name, base := range map[string]string{
		"novel browser": "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 " +
			"(KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 ",
		"novel program": "okhttp/4.12.0 ",
		"hostile 512 B": strings.Repeat("Mozilla/5.0 ; ; ; ; ", 25),
		"hostile 8 kB":  strings.Repeat("Mozilla/5.0 ; ; ; ; ", 24) + "%d" + strings.Repeat(" ; ; ", 1600),
	} {
		if !strings.Contains(base, "%d") {
			base += "%d"
		}
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				n++
				h := devicestest.Headers("User-Agent: " + fmt.Sprintf(base, n))
				o.ObserveHeaders(h, netip.Addr{}, devices.EntranceProvider)
			}
		})
	}
}
