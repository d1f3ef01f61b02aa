// Package observe is the only reader of the wire: it turns a request, or the
// headers that a trusted caller passed on, into a [devices.Sighting].
//
// # Objects
//
// An [Observer] looks. It reads the User-Agent, the client hints, the
// languages, the address and the device cookie; it also writes that cookie
// and asks for the hints, so that both ends of each convention are here.
//
// # Guarantees
//
//   - Strangers' bytes never fail a look: what cannot be read is absent.
//   - A header that was seen before costs no parsing; a new one is cut at 512
//     bytes first, since parsing costs about its length in CPU.
//   - A User-Agent is read as uap-go reads it. Of its 1,200 expressions only
//     those are tried whose literals are in the text.
//   - A frozen token ("Windows NT 10.0", "10_15_7", "Android 10; K", "18_6"
//     on Safari 26) is no value. It says nothing, so its signal is left out.
//   - Addresses are believed from trusted proxies only, in one header only.
//
// # Decisions
//
// One product has one family: "Chrome Mobile" and "Chrome Mobile iOS" are
// Chrome, "Mobile Safari" is Safari, since a product that is moved to another
// form factor changes its class anyway. Embedded views are "WebView" whoever
// made the engine. iPhone and iPad are both "iOS": the release numbers are
// the same, and a browser on either that asks for desktop pages tells no more
// than that. Distributions of Linux are "Linux".
//
// Programs that are no browsers are called by their first product token
// ("okhttp", "python-requests", the app's own name before CFNetwork).
//
// Where client hints and User-Agent contradict each other the hints win: they
// are what the engine says of itself, and what an extension forgets to fake.
// That they contradict is a signal of its own.
//
// # Not here
//
// Judging and storing. Where an address is, a [Places] tells.
package observe
