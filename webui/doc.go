// Package webui draws the pages that people see, and serves those where an
// owner sees and ends devices.
//
// # Objects
//
// [Pages] is the set of embedded templates, the assets they use and the
// languages they speak, ours and those that other packages bring, as operator
// does. Each page is a template of its own in one layout; its data is a plain
// struct that whoever shows the page declares. [UI] is the
// owner's pages: it signs in over the wire like any client, keeps a session
// tied to a device, and asks the registry for everything that it does.
//
// # Guarantees
//
//   - A page is drawn whole or not at all: a template that fails is a clean
//     500, never half a page.
//   - Pages work without scripts, whatever the data says: the
//     Content-Security-Policy allows this server's own style sheets and images,
//     and on the owner's pages one file that shows times in the reader's zone.
//   - A session ends with its device and with the sign-in that it came from
//     (of this server, or of Kratos), and is worth nothing without the device's
//     own cookie. All of that is looked at with every request.
//   - GET changes nothing. A form of another site is refused.
//   - A name is the owner's label. What was observed is told next to it, always.
//   - Pages are not kept in caches, not framed by others, and tell no other
//     site where their reader came from.
//
// # Decisions
//
// A browser applies form-action to every redirect that follows a post (Chromium
// 156 does, also to the client's own redirects). Only the client knows where it
// redirects after its callback: to another origin, a loopback address or an app.
// A page whose form's answer goes back to a client therefore has no form-action.
// A list of schemes would keep people from arriving and would keep no attacker
// out, because anybody has an https address. What keeps forged forms out of such
// a page is that nothing is written into it unescaped, and that no script runs.
// The forms of all other pages are sent to this server only.
//
// Referrer-Policy is same-origin, not no-referrer: the latter makes browsers
// send "Origin: null" with our own forms, which [net/http.CrossOriginProtection]
// refuses from browsers that do not send Sec-Fetch-Site.
//
// The session's cookie is SameSite=Strict (RFC 10017 §6.1.3.2). Where a link or
// a provider of another site leads here, browsers keep such cookies back: the
// page "bounce" then makes the browser take the last step by itself.
//
// Assets are kept compressed; pages for who is signed in are compressed as they
// are sent. The others are not: other sites can have a browser ask for them, and
// they hold a flow, which their length would give away bit by bit (BREACH).
//
// Who signs owners in, this server, another OpenID provider or Kratos, is asked
// at the first need and again after a moment: none of them has to be up when
// this server starts. Elsewhere nobody has looked at the device's cookie, so a
// sign-in that names a device is checked against it here (seat.go).
//
// What follows a form cannot lead to another server (see above): "bounce" makes
// that step too.
//
// Destructive acts are asked about on a page of their own, so that a fresh
// sign-in in between leads back to the same question.
//
// # Not here
//
// No rules about who may do what: those are of devices. No handler here reads
// the provider's forms.
package webui
