//go:build race

package observe

// everyNth is how much of the census is read under the race detector, which
// makes uap-go's expressions thirty times as slow. make test reads all of it
// without.
const everyNth = 20
