//go:build !linux

package ory

import "syscall"

// withParent has no means here: a killed test run leaves its servers behind.
func withParent() *syscall.SysProcAttr { return nil }
