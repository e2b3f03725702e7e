#!/usr/bin/env bash
# Sets up the CDK's command line and runs it on the stack of infra: cdk.sh VERB
# [FLAGS…]. To synthesize, compare or deploy, it first builds the functions for ARCH into
# DIST, or fetches those of RELEASE: what is deployed is what the checkout says.
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
export ARCH=${ARCH:-arm64} DIST=${DIST:-dist}
case ${1-} in
synth | diff | deploy)
  if [ "${RELEASE:-}" ]; then
    build/release.sh fetch "$RELEASE" "$ARCH" "$DIST"
  else
    make build ARCH="$ARCH" DIST="$DIST"
  fi
  ;;
*) export WAGGLE_VERB=destroy ;; # the stack's name is enough
esac
(cd infra && ../build/progress.sh ../bin/infra .)

# The template of a stack of another name would stay there.
rm -rf bin/cdk.out
# The app runs in this folder, so flags name files from here.
exec infra/node_modules/.bin/cdk "$@" --app bin/infra --output bin/cdk.out --version-reporting=false
