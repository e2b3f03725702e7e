#!/usr/bin/env bash
# Sets up the CDK's command line and runs it on the stack of infra: cdk.sh VERB
# [FLAGS…]. Functions that are not built yet are built for ARCH.
set -euo pipefail

fail() {
  printf 'make: %s\n' "$*" >&2
  exit 1
}

wanted="install Node.js 22 or later (https://nodejs.org)"
command -v node >/dev/null || fail "Node.js is missing, the CDK runs on it: $wanted"
version=$(node --version)
major=${version#v}
major=${major%%.*}
[ "$major" -ge 20 ] || fail "Node.js $version is too old for the CDK: $wanted"
command -v npm >/dev/null || fail "npm is missing, it comes with Node.js: $wanted"
command -v go >/dev/null || fail "Go is missing: install Go 1.26 (https://go.dev/dl)"

# npm writes this file last.
if ! [ infra/node_modules/.package-lock.json -nt infra/package-lock.json ]; then
  npm ci --no-audit --no-fund --silent --prefix infra ||
    fail "the CDK's command line could not be fetched: check the network, or npm config get registry"
fi
for f in functions/*/; do
  if ! [ -e "dist/$(basename "$f")/bootstrap" ]; then
    make build ARCH="${ARCH:-arm64}"
    break
  fi
done
(cd infra && ../build/progress.sh ../bin/infra .)

# The app runs in this folder, so flags name files from here.
exec infra/node_modules/.bin/cdk "$@" --app bin/infra --output bin/cdk.out --version-reporting=false
