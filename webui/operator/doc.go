// Package operator serves the pages where an operator looks: at every device,
// every verdict and every event, whoever they belong to.
//
// # Objects
//
// [Operator] is the pages. They are drawn by [webui.Pages], which has to be made
// with [Files]; their words are those of the owner's pages and some of their
// own.
//
// # Guarantees
//
//   - Without a configured token only a browser on this machine, at a loopback
//     name, is let in; with one, whoever has shown it within eight hours.
//   - GET changes nothing. A form of another site is refused.
//   - Ending by query ends exactly the devices that the preview counted: if it
//     would end others by then, it ends none and shows the preview again.
//   - Every page works without scripts. Following events then loads the page
//     again every few seconds; with scripts, new ones are added as they come.
//
// # Decisions
//
// A doubt is a judgment that flagged, stepped up or refused. It was a false
// alarm where the owner's next word on the device is that it was them, and is
// confirmed where it is that the device must end (an operator's word counts for
// that too). The rate is of the doubts that were answered; the others are shown
// beside it, because silence is no answer.
//
// # Not here
//
// No rules: what ending a device means is said by devices. These pages belong on
// the admin listener, which cmd sees to.
package operator
