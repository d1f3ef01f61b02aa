#!/usr/bin/env bash
# Installs what the tests need and Go does not bring: a C compiler (for the
# race detector), PostgreSQL, Chromium, nginx and, for the clients in e2e, their npm
# packages. Only what is missing is installed, with sudo where it is needed.
# With the word "fonts" also what pictures of pages in Chinese and Japanese need
# (56 MB); no test does.
set -euo pipefail
cd "$(dirname "$0")/.."

have() { command -v "$1" >/dev/null 2>&1; }

as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif have sudo; then
		sudo "$@"
	else
		echo "deps: become root and run: $*" >&2
		return 1
	fi
}

postgres_is_here() {
	[ -n "${TEST_DATABASE_URL:-}" ] || [ -n "${PGTEST_BIN:-}" ] || have initdb ||
		compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null
}

chromium_is_here() {
	have chromium || have chromium-browser || have google-chrome || have headless-shell
}

missing=()
have gcc || missing+=(gcc libc6-dev)
have git || missing+=(git)
postgres_is_here || missing+=(postgresql)
chromium_is_here || missing+=(chromium)
have nginx || [ -x /usr/sbin/nginx ] || missing+=(nginx-light)
have curl || missing+=(curl)
have openssl || missing+=(openssl)
if [ -f e2e/clients/package.json ] && ! have npm; then
	missing+=(nodejs npm)
fi

if [ "${1:-}" = fonts ]; then
	{ have fc-list && [ -n "$(fc-list :lang=ja)" ] && [ -n "$(fc-list :lang=zh-cn)" ]; } || missing+=(fonts-noto-cjk)
fi

if [ "${#missing[@]}" -gt 0 ]; then
	have apt-get || { echo "deps: install these and run again: ${missing[*]}" >&2; exit 1; }
	echo "deps: installing ${missing[*]}"
	export DEBIAN_FRONTEND=noninteractive
	# The tests start their own servers: none that is installed here may start.
	if [ ! -e /usr/sbin/policy-rc.d ]; then
		trap 'as_root rm -f /usr/sbin/policy-rc.d' EXIT
		printf '#!/bin/sh\nexit 101\n' | as_root install -m 755 /dev/stdin /usr/sbin/policy-rc.d
	fi
	as_root apt-get update -qq
	as_root apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
fi

# npm ci empties node_modules, so it runs only when the lock file is newer.
if [ -f e2e/clients/package.json ] &&
	[ ! e2e/clients/node_modules/.package-lock.json -nt e2e/clients/package-lock.json ]; then
	echo "deps: npm ci in e2e/clients"
	npm --prefix e2e/clients ci --no-audit --no-fund --loglevel=error
fi
