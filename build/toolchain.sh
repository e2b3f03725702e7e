#!/usr/bin/env bash
# Checks that this machine can build, and says what to install if not.
set -uo pipefail

fail() {
  printf 'make: %s\n' "$*" >&2
  exit 1
}

wanted=$(awk '$1 == "go" { print $2 }' go.mod)
install="install Go ${wanted%.*} (https://go.dev/dl)"

command -v go >/dev/null || fail "Go is missing: $install"

# A Go from 1.21 on fetches the version of go.mod here.
settings=$(go env GOVERSION CC CGO_ENABLED) ||
  fail "Go ${wanted%.*} is not here and could not be fetched: check the network, or $install"
{ read -r version; read -r compiler; read -r cgo; } <<<"$settings"

# older A B succeeds if version A is before B; 1.26rc1 counts as 1.26.
older() {
  local a b IFS=.
  read -r -a a <<<"$1"
  read -r -a b <<<"$2"
  ((a[0] != b[0] ? a[0] < b[0] : a[1] < b[1]))
}
version=${version#go}
version=$(sed -E 's/^([0-9]+\.[0-9]+).*/\1/' <<<"$version")
if [[ $version =~ ^[0-9]+\.[0-9]+$ ]] && older "$version" "$wanted"; then
  older "$version" 1.21 && fail "Go $version is too old: $install, or any from 1.21 on, which fetches it by itself"
  fail "Go $version is too old, and may not fetch a newer one: run go env -w GOTOOLCHAIN=auto, or $install"
fi

# H3 is C. Without a C compiler Go leaves it out, and its error does not say so.
command -v "${compiler%% *}" >/dev/null ||
  fail "a C compiler is missing, H3 needs one: install gcc (Debian, Ubuntu: apt-get install gcc libc6-dev; macOS: xcode-select --install)"
[ "$cgo" = 1 ] || fail "cgo is off and H3 needs it: unset CGO_ENABLED"
