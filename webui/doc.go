// Package webui draws the pages that people see.
//
// # Objects
//
// [Pages] is the set of embedded templates and the assets they use. Each page
// is a template of its own in one layout; its data is a plain struct that
// whoever shows the page declares.
//
// # Guarantees
//
//   - A page is drawn whole or not at all: a template that fails is a clean
//     500, never half a page.
//   - Pages work without scripts and run none, whatever the data says: the
//     Content-Security-Policy allows this server's own style sheet and images.
//   - Pages are not kept in caches, not framed by others, and tell no other
//     site where their reader came from.
//
// # Decisions
//
// A browser holds form-action against every redirect that follows a post
// (Chromium 156 does, over the client's own redirects too). A form whose answer
// goes back to a client therefore allows the scheme of that client's redirect
// URI and https, not its origin: a client that sends people on to another
// origin after its callback would otherwise lose them halfway. Forms that lead
// nowhere else keep to this server.
//
// Referrer-Policy is same-origin, not no-referrer: the latter makes browsers
// send "Origin: null" with our own forms, which [net/http.CrossOriginProtection]
// refuses from browsers that do not send Sec-Fetch-Site.
//
// # Not here
//
// What the pages decide. No handler here reads a form.
package webui
