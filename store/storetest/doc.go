// Package storetest is what a store promises, as tests. A store is right when
// [Run] passes on it; a new promise is a new function here.
//
// # Not here
//
// No database: who calls Run opens one.
package storetest
