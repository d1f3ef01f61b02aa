// Package loopback recognizes this machine: its names, and the requests that
// programs and browsers on it send.
//
// # Not here
//
// What such a request may do is up to the room that it comes to.
package loopback
