package ory

import "syscall"

// withParent ends a child when the tests end, in whatever way.
func withParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
